import signal

from rq import Worker

from config.processes import dies_with_parent


class PromptWorker(Worker):
    """Each task is a fork of this process, so what tasks import late is imported here, once.

    Notices within about a minute and a half what a dead worker left behind (RQ's default is over ten minutes).
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"maintenance_interval": 30, **kwargs})

    def work(self, *args, **kwargs):
        import pywebpush  # noqa: F401

        import dispatch.tasks  # noqa: F401

        return super().work(*args, **kwargs)

    def fork_work_horse(self, job, queue):
        # A horse whose worker was killed would finish a task that is about to be run again.
        self._bind_horse = dies_with_parent(signal.SIGKILL)
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job, queue):
        if self._bind_horse:
            self._bind_horse()
        super().main_work_horse(job, queue)

    def handle_work_horse_killed(self, job, retpid, ret_val, rusage):
        """RQ knows that the task has failed; so does whoever waits for what it was working out."""
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)
        from django.db import DatabaseError, connections

        from dispatch.tasks import tell_of_killed

        try:
            tell_of_killed(job.func_name, job.args)
        except DatabaseError as error:  # the next sweep finds it
            self.log.warning("Nobody was told of job %s: %s", job.id, error)
        finally:
            connections.close_all()


class PlanningWorker(PromptWorker):
    """With the solvers, and the search compiled, before the first plan is asked for."""

    def work(self, *args, **kwargs):
        import ortools.sat.python.cp_model  # noqa: F401

        from dispatch.planning.decomposition import load

        load()
        return super().work(*args, **kwargs)
