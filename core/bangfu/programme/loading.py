"""The manager that loads plugins, and what an installation has of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast

import pluggy

from bangfu.errors import Code
from bangfu.policy import PolicyError
from bangfu.programme.admission import May, by_record
from bangfu.programme.checking import check, check_handouts, check_inspections, check_pairing, check_together
from bangfu.programme.declarations import PROJECT, AnyProgramme, Exclusion, Hooks, PaymentChannel, Programme
from bangfu.programme.handout import HandoutProgramme
from bangfu.programme.inspection import InspectionProgramme
from bangfu.programme.pairing import PairingProgramme
from bangfu.settings import Settings

GROUP = "bangfu.plugins"
P = TypeVar("P", bound=AnyProgramme)


@dataclass(frozen=True)
class Plugins:
    """The plugins of this installation: their programmes (of cases), those of the other shapes and the channels by
    code, what was skipped and why, and the codes of all programmes that each plugin brought."""

    programmes: Mapping[str, Programme]
    channels: Mapping[str, PaymentChannel]
    skipped: Mapping[str, str] = field(default_factory=dict)
    brought: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pairings: Mapping[str, PairingProgramme] = field(default_factory=dict)
    inspections: Mapping[str, InspectionProgramme] = field(default_factory=dict)
    handouts: Mapping[str, HandoutProgramme] = field(default_factory=dict)

    @property
    def without_cases(self) -> Mapping[str, AnyProgramme]:
        """The programmes by which no case is decided, by code: a county runs them without a schema of their own."""
        return {**self.pairings, **self.inspections, **self.handouts}

    @property
    def every(self) -> Mapping[str, AnyProgramme]:
        """The programmes of every shape by code: what a county switches on and lays down numbers of its own for."""
        return {**self.programmes, **self.without_cases}

    def programme(self, code: str) -> Programme:
        """A programme of cases by its code; refuses ``PROGRAMME_UNKNOWN``, which names the plugins that were
        skipped."""
        return self._known(code, self.programmes)

    def pairing(self, code: str) -> PairingProgramme:
        """A programme of pairings by its code; refuses ``PROGRAMME_UNKNOWN``."""
        return self._known(code, self.pairings)

    def inspection(self, code: str) -> InspectionProgramme:
        """A programme of inspections by its code; refuses ``PROGRAMME_UNKNOWN``."""
        return self._known(code, self.inspections)

    def handout(self, code: str) -> HandoutProgramme:
        """A programme of handing out by its code; refuses ``PROGRAMME_UNKNOWN``."""
        return self._known(code, self.handouts)

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
    others: dict[str, AnyProgramme] = {}
    channels: dict[str, PaymentChannel] = {}
    brought: dict[str, tuple[str, ...]] = {}
    for point in sorted(entry_points(group=GROUP) if found is None else found, key=lambda p: (not bundled(p), p.name)):
        refused = None if bundled(point) else may(point)
        if refused is not None:
            skipped[point.name] = refused
            continue
        try:
            own = _declared(plugins, point)
            _require_new("programme", [programme.code for programme in own[0]], {*programmes, *others})
            _require_new("channel", [channel.code for channel in own[1]], channels)
            of_cases = [programme for programme in own[0] if isinstance(programme, Programme)]
            beside = [programme for programme in own[0] if not isinstance(programme, Programme)]
            for programme in of_cases:
                check(programme, {*channels, *(channel.code for channel in own[1])})
            for other in beside:
                _CHECKS[type(other)](other)
            check_together([*programmes.values(), *of_cases])
        except (Exception, SystemExit) as error:
            if bundled(point):
                raise PolicyError(f"the bundled plugin {point.name} cannot be loaded: {error}") from error
            skipped[point.name] = f"{type(error).__name__}: {error}"
            plugins.unregister(name=point.name) if plugins.has_plugin(point.name) else None
            continue
        programmes.update({programme.code: programme for programme in of_cases})
        others.update({programme.code: programme for programme in beside})
        channels.update({channel.code: channel for channel in own[1]})
        brought[point.name] = tuple(programme.code for programme in own[0])
    return Plugins(
        programmes,
        channels,
        skipped,
        brought,
        pairings={code: own for code, own in others.items() if isinstance(own, PairingProgramme)},
        inspections={code: own for code, own in others.items() if isinstance(own, InspectionProgramme)},
        handouts={code: own for code, own in others.items() if isinstance(own, HandoutProgramme)},
    )


_CHECKS: Mapping[type[AnyProgramme], Callable[[Any], None]] = {
    PairingProgramme: check_pairing,
    InspectionProgramme: check_inspections,
    HandoutProgramme: check_handouts,
}
"""The shapes of programmes by which no case is decided, and what is looked at in each."""


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
    known: dict[str, tuple[type[Any], ...]] = {
        "programmes": (Programme, *_CHECKS),
        "payment_channels": (PaymentChannel,),
    }
    for hook, kinds in known.items():
        others = [plugin for name, plugin in plugins.list_name_plugin() if name != point.name and plugin is not None]
        caller = plugins.subset_hook_caller(hook, remove_plugins=others)
        items = [item for result in caller() for item in result]
        for item in items:
            if not isinstance(item, kinds):
                expected = " or ".join(kind.__name__ for kind in kinds)
                raise PolicyError(f"{hook} of {point.name} returned {type(item).__name__}, not {expected}")
        results.append(items)
    return cast(tuple[list[AnyProgramme], list[PaymentChannel]], tuple(results))
