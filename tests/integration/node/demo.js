'use strict';

/** The document of the demo that shows python-consul with redis. */
const demo = {
  redis_config: { redis_host: '127.0.0.1', redis_port: 6379, redis_db: 0, redis_password: 'aaaa1111' },
  show_message: 'this is a python-consul-redis demo',
};

module.exports = { demo };
