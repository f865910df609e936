import asyncio
import os

import shmconf
import tornado.web

config = shmconf.launch("python-web-service", prefixes="python-web-service/", allow_empty=True)


class Greeting(tornado.web.RequestHandler):
    def get(self):
        self.write(config.get("greeting", "Hello World"))


class Status(tornado.web.RequestHandler):
    def get(self):
        self.write({"configuration": config.status.verdict, "error": config.status.error})


async def main():
    application = tornado.web.Application([("/", Greeting), ("/status", Status)])
    application.listen(int(os.environ.get("PORT", 8888)))
    await asyncio.Event().wait()


asyncio.run(main())
