export * from './index.js';
import * as shmconf from './index.js';
export default shmconf;
