"""Count the words of the texts, every second."""

import time

import schedule

from jobs import queue


def work() -> None:
    """Empty the queue."""
    for path in queue.take():
        print(path.stem, len(path.read_text().split()), flush=True)


if __name__ == "__main__":
    schedule.every().second.do(work)
    while True:
        schedule.run_pending()
        time.sleep(0.1)
