"""The manager that loads plugins, and what an installation has of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast

import pluggy

from bangfu.errors import Code
from bangfu.policy import PolicyError
from bangfu.programme.admission import May, by_record
from bangfu.programme.checking import check, check_pairing, check_together
from bangfu.programme.declarations import PROJECT, AnyProgramme, Exclusion, Hooks, PaymentChannel, Programme
from bangfu.programme.pairing import PairingProgramme
from bangfu.settings import Settings

GROUP = "bangfu.plugins"
P = TypeVar("P", bound=AnyProgramme)


@dataclass(frozen=True)
class Plugins:
    """The plugins of this installation: their programmes (of cases), pairings and channels by code, what was skipped
    and why, and the codes of all programmes that each plugin brought."""

    programmes: Mapping[str, Programme]
    channels: Mapping[str, PaymentChannel]
    skipped: Mapping[str, str] = field(default_factory=dict)
    brought: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pairings: Mapping[str, PairingProgramme] = field(default_factory=dict)

    @property
    def every(self) -> Mapping[str, AnyProgramme]:
        """The programmes of every shape by code: what a county switches on and lays down numbers of its own for."""
        return {**self.programmes, **self.pairings}

    def programme(self, code: str) -> Programme:
        """A programme of cases by its code; refuses ``PROGRAMME_UNKNOWN``, which names the plugins that were
        skipped."""
        return self._known(code, self.programmes)

    def pairing(self, code: str) -> PairingProgramme:
        """A programme of pairings by its code; refuses ``PROGRAMME_UNKNOWN``."""
        return self._known(code, self.pairings)

    def any(self, code: str) -> AnyProgramme:
        """A programme of any shape by its code; refuses ``PROGRAMME_UNKNOWN``."""
        return self._known(code, self.every)

    def _known(self, code: str, programmes: Mapping[str, P]) -> P:
        if code not in programmes:
            known = [*programmes, *(f"({name}: {why})" for name, why in self.skipped.items())]
            raise Code.PROGRAMME_UNKNOWN.refuse("programme", programme=code, known=", ".join(known))
        return programmes[code]

    def exclusions(self, code: str) -> dict[str, Exclusion]:
        """The installed programmes in which a household cannot have a live case beside one of this programme.

        An exclusion that the other one declares counts like an own one.
        """
        own = {one.programme: one for one in self.programme(code).excludes if one.programme in self.programmes}
        others = {
            other.code: one for other in self.programmes.values() for one in other.excludes if one.programme == code
        }
        return others | own


def load(found: Iterable[EntryPoint] | None = None, may: May = lambda point: None) -> Plugins:
    """Load every plugin of the group and check what it declares.

    ``may`` says of a third-party plugin why it is not to be loaded. Raises :class:`PolicyError` for a bundled plugin
    that cannot be loaded; skips a third-party one and says why.
    """
    plugins = pluggy.PluginManager(PROJECT)
    plugins.add_hookspecs(Hooks)
    skipped: dict[str, str] = {}
    programmes: dict[str, Programme] = {}
    pairings: dict[str, PairingProgramme] = {}
    channels: dict[str, PaymentChannel] = {}
    brought: dict[str, tuple[str, ...]] = {}
    for point in sorted(entry_points(group=GROUP) if found is None else found, key=lambda p: (not bundled(p), p.name)):
        refused = None if bundled(point) else may(point)
        if refused is not None:
            skipped[point.name] = refused
            continue
        try:
            own = _declared(plugins, point)
            _require_new("programme", [programme.code for programme in own[0]], {*programmes, *pairings})
            _require_new("channel", [channel.code for channel in own[1]], channels)
            of_cases = [programme for programme in own[0] if isinstance(programme, Programme)]
            of_pairings = [programme for programme in own[0] if isinstance(programme, PairingProgramme)]
            for programme in of_cases:
                check(programme, {*channels, *(channel.code for channel in own[1])})
            for pairing in of_pairings:
                check_pairing(pairing)
            check_together([*programmes.values(), *of_cases])
        except (Exception, SystemExit) as error:
            if bundled(point):
                raise PolicyError(f"the bundled plugin {point.name} cannot be loaded: {error}") from error
            skipped[point.name] = f"{type(error).__name__}: {error}"
            plugins.unregister(name=point.name) if plugins.has_plugin(point.name) else None
            continue
        programmes.update({programme.code: programme for programme in of_cases})
        pairings.update({programme.code: programme for programme in of_pairings})
        channels.update({channel.code: channel for channel in own[1]})
        brought[point.name] = tuple(programme.code for programme in own[0])
    return Plugins(programmes, channels, skipped, brought, pairings)


@cache
def installed() -> Plugins:
    """The plugins of this installation, loaded once a process: the bundled ones, and those that it has admitted."""
    return load(may=by_record(Settings.from_environment().home))


def bundled(point: EntryPoint) -> bool:
    """Whether a plugin comes with Bangfu itself."""
    return point.dist is not None and point.dist.name == PROJECT


def _require_new(what: str, codes: Sequence[str], known: Collection[str]) -> None:
    for position, code in enumerate(codes):
        if code in known or code in codes[:position]:
            raise PolicyError(f"the {what} {code} exists already")


def _declared(plugins: pluggy.PluginManager, point: EntryPoint) -> tuple[list[AnyProgramme], list[PaymentChannel]]:
    """What one plugin declares, with its types checked: a hook's return type is otherwise nobody's business."""
    plugins.register(point.load(), name=point.name)
    plugins.check_pending()
    results: list[list[Any]] = []
    for hook, kinds in (("programmes", (Programme, PairingProgramme)), ("payment_channels", (PaymentChannel,))):
        others = [plugin for name, plugin in plugins.list_name_plugin() if name != point.name and plugin is not None]
        caller = plugins.subset_hook_caller(hook, remove_plugins=others)
        items = [item for result in caller() for item in result]
        for item in items:
            if not isinstance(item, kinds):
                expected = " or ".join(kind.__name__ for kind in kinds)
                raise PolicyError(f"{hook} of {point.name} returned {type(item).__name__}, not {expected}")
        results.append(items)
    return cast(tuple[list[AnyProgramme], list[PaymentChannel]], tuple(results))
