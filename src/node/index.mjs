import shmconf from './index.js';

export const { Config, Node, ShmconfError, Snapshot, fromObject, launch, open, openBackup, toObject, version } =
  shmconf;
export default shmconf;
