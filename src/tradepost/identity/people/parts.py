"""What the pages of people work with."""

from dataclasses import dataclass

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.hub.access.attempts import Attempts
from tradepost.hub.access.passwords import PasswordWork
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.hub.access.second_factor import SecondFactors
from tradepost.hub.access.sign_in_steps import SignInSteps
from tradepost.hub.upstreams.guard import Guard
from tradepost.identity.pages import Pages
from tradepost.identity.people.browser import Browsers
from tradepost.identity.people.provider_settings import ProviderSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, and where the hub is reached."""

    database: Database
    url: str
    now: Now
    guard: Guard
    sessions: PersonSessions
    browsers: Browsers
    pages: Pages
    attempts: Attempts
    passwords: PasswordWork
    steps: SignInSteps
    factors: SecondFactors
    provider: ProviderSettings | None

    @property
    def provider_label(self) -> str:
        """What stands on the button that leads to the identity provider; empty where there is none."""
        return f"Sign in with {self.provider.name or 'your organization'}" if self.provider is not None else ""
