"""What was counted, in the text format of Prometheus."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from tradepost.hub.telemetry.meters import BOUNDS_SECONDS, Counted, Ended, Place, Times

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PLACE = ("workspace", "server", "tool")
_GAUGES: Mapping[str, tuple[str, str]] = {  # name -> label, what it means
    "audit_waiting_rows": ("", "Audit rows that wait to be written."),
    "audit_lost_rows": ("", "Audit rows that found no room and are not yet recorded as a gap."),
    "audit_sealed_seconds": ("", "Seconds since the sealer last came round."),
    "calls_in_flight": ("of", "Calls that run, by whose slots they take."),
    "calls_waiting": ("of", "Calls that wait for a slot."),
    "calls_share": ("", "What part of all that may run at once these processes have; other replicas have the rest."),
    "breaker_open": ("server_id", "Servers that are left alone because they failed: 1."),
    "database_connections": ("database", "Connections to databases in use."),
    "processes": ("", "Processes that these numbers are from."),
    "spans_lost": ("", "Spans that no collector took, since these processes began."),
    "audit_stream_failing": ("to", "Whether the audit is not passed on to files or a collector for now: 1."),
}


TOLD: Mapping[str, tuple[tuple[str, ...], str]] = {  # name -> labels, what it means
    "workspace_info": (("workspace", "name"), "How a workspace is called: 1."),
    "agent_info": (("workspace", "agent", "name", "profile"), "How an agent and its profile are called: 1."),
    "approvals": (("workspace",), "Writes that people approved."),
    "audit_sealing_lag_seconds": ((), "How long the oldest audit row without its place in the chain has waited."),
}
_COUNTERS = frozenset({"approvals"})


def exposition(counted: Counted) -> bytes:
    """The text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(_metrics(counted)))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _metrics(counted: Counted) -> Iterator[Metric]:
    yield _counter(
        "tradepost_calls",
        "Calls that are over: ok, error, refused, approval_required or replayed.",
        (*_PLACE, "agent", "class", "outcome"),
        (((*call[:4], "write" if call.writes else "read", call.outcome), n) for call, n in counted.calls.items()),
    )
    for outcome, name, what in (
        ("refused", "tradepost_refusals", "Calls that reached no server, by the code of the error."),
        ("error", "tradepost_failures", "Calls that failed, by the code of the error."),
    ):
        rows = (((*call[:4], call.code), n) for call, n in counted.calls.items() if call.outcome == outcome)
        yield _counter(name, what, (*_PLACE, "agent", "code"), rows)
    yield _counter(
        "tradepost_rate_limited",
        "Calls that were refused because there were too many.",
        ("workspace", "agent"),
        (((call.workspace, call.agent), n) for call, n in counted.calls.items() if _is_limited(call)),
    )
    yield _counter(
        "tradepost_outside_texts",
        "Results with text of outsiders, by what the detector said: none, possible, likely, or skipped.",
        (*_PLACE, "signal"),
        counted.looked.items(),
    )
    yield _histogram("tradepost_call_duration_seconds", "How long calls took in the hub and behind it.", counted.times)
    yield _histogram("tradepost_upstream_duration_seconds", "How long servers took.", counted.upstream)
    for name, (label, what) in _GAUGES.items():
        gauge = GaugeMetricFamily(f"tradepost_{name}", what, labels=[label] if label else [])
        for (of, value_of), value in counted.gauges.items():
            if of == name:
                gauge.add_metric([value_of] if label else [], value)
        yield gauge
    for name, (labels, what) in TOLD.items():
        family = CounterMetricFamily if name in _COUNTERS else GaugeMetricFamily
        found = family(f"tradepost_{name}", what, labels=labels)
        for one in counted.told:
            if one.name == name:
                found.add_metric(one.labels, one.value)
        yield found


def _is_limited(call: Ended) -> bool:
    return call.outcome == "refused" and call.code == "rate_limited"


def _counter(
    name: str, what: str, labels: Sequence[str], rows: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=labels)
    summed: dict[tuple[str, ...], int] = {}
    for key, count in rows:
        summed[key] = summed.get(key, 0) + count
    for key, count in summed.items():
        family.add_metric(key, count)
    return family


def _histogram(name: str, what: str, found: Mapping[Place, Times]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, what, labels=_PLACE)
    for place, times in found.items():
        below, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS_SECONDS), "+Inf"), times.buckets, strict=True):
            below += count
            buckets.append((bound, below))
        family.add_metric(place, buckets, times.total_us / 1_000_000)
    return family
