import signal

from rq import Worker

from config.processes import dies_with_parent


class PromptWorker(Worker):
    """Notices within about a minute and a half what a dead worker left behind (RQ's default is over ten minutes)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"maintenance_interval": 30, **kwargs})

    def fork_work_horse(self, job, queue):
        # A horse whose worker was killed would finish a task that is about to be run again.
        self._bind_horse = dies_with_parent(signal.SIGKILL)
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job, queue):
        if self._bind_horse:
            self._bind_horse()
        super().main_work_horse(job, queue)
