"""The models of one attempt: the agents' own or the one that is evaluated, recorded or replayed."""

from pydantic_ai.models import Model

from tradepost.agents.evals.taping.models import Recording, Replaying
from tradepost.agents.evals.taping.tape import Tape
from tradepost.agents.models.naming import MayReach, Models
from tradepost.agents.setups.model_names import read_name


class TrialModels(Models):
    """Makes them. `forced` is the model of all agents; `acting` stands in for every model, where there is none."""

    def __init__(
        self, may_reach: MayReach, forced: str | None = None, tape: Tape | None = None, acting: Model | None = None
    ) -> None:
        super().__init__(may_reach)
        self._forced = forced
        self._tape = tape
        self._acting = acting

    async def model(self, name: str, fallback: str | None = None) -> Model:
        """See Models. In a replay no model is reached, and no key is needed."""
        if self._acting is not None:
            return self._acting
        wanted = self._forced or name
        second = None if self._forced else fallback
        named = read_name(wanted)
        label = f"{named.provider}:{named.name}"  # an endpoint's address is not part of what is asked
        if self._tape is not None and self._tape.way == "replay":
            return Replaying(label, self._tape)
        made = await super().model(wanted, second)
        return made if self._tape is None else Recording(made, label, self._tape)
