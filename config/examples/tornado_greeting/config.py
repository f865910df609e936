import shmconf


class Config:
    keys = shmconf.launch("tornado-config", keys="foo", allow_empty=True)
    foo = property(lambda self: self.keys.get("foo"))
