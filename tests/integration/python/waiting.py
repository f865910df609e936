"""Waiting for a condition, with a deadline that a loaded machine meets."""

import time


def eventually(condition, seconds=30.0):
    """What the condition answers as soon as that is true; its last answer when the time is over."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.005)
