"""A Dagster run's hold on the home, and what becomes of errors in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from pydantic import PrivateAttr

from orchestration.checks import refusal
from orchestration.errors import PublishRefused
from orchestration.lock import WarehouseBusy, pipeline_lock
from orchestration.settings import Home, home_at

Progress = Callable[[str], None]


class Session(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One run's session: the first step that writes takes the pipeline's lock, and the run keeps it to its end, as `arw run` does."""

    home_folder: str
    busy_retries: int = 30
    busy_seconds: float = 60

    _held: ExitStack = PrivateAttr(default_factory=ExitStack)
    _is_held: bool = PrivateAttr(default=False)

    @property
    def home(self) -> Home:
        """The home that the run works in."""
        return home_at(self.home_folder)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of the home."""
        self._held.close()

    @contextmanager
    def step(self, context: dg.AssetExecutionContext) -> Iterator[Progress]:
        """Do one step's work; only a warehouse that another pipeline holds is worth another try: all else would fail again."""
        try:
            if not self._is_held:
                self._held.enter_context(pipeline_lock(self.home, f"Dagster run {context.run.run_id}"))
                self._is_held = True
            yield context.log.info
        except WarehouseBusy as busy:
            context.log.warning(f"{busy} Trying again in {self.busy_seconds:.0f} s.")
            raise dg.RetryRequested(self.busy_retries, self.busy_seconds) from busy
        except dg.Failure:
            raise
        except PublishRefused as refused:
            raise dg.Failure(refusal(refused), allow_retries=False) from refused
        except Exception as error:
            raise dg.Failure(str(error) or type(error).__name__, allow_retries=False) from error
