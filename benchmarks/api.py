"""The API's nested list beside PostGraphile on the same database, in one run.

Fifty households of a random village, their members with the person of each, their cases with the award: over HTTP, at
a million households, behind the same walls. The county is filled by the owner of its tables in a few statements
(PostgreSQL 18 makes the ids, in the order of time as the product does), village by village as rosters come in. Each
server is one process; the two are asked in turn, and must give the same answer before they are timed and after.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from benchmarks.building import county_of

from bangfu.access import enter
from bangfu.cases import ground as grounds
from bangfu.cases import provisions
from bangfu.cases.acts import digest_of
from bangfu.cases.gather import typed
from bangfu.cli.demo import county as made_up
from bangfu.cli.demo.story import PERIOD, PROGRAMME, PROVISION
from bangfu.db import Database, head
from bangfu.db.embedded import ADMIN, APP, OWNER, EmbeddedServer
from bangfu.models import WALLS
from bangfu.programme import installed
from bangfu.settings import Settings
from bangfu.simulate import keep_preview
from bangfu.text import parse_yuan
from bangfu.vault import Vault

HERE = Path(__file__).parent
COUNTY, OFFICER, RELEASER = "990102", "X002", "X003"
SIZE = made_up.Size(townships=20, villages=50, planned=10, planned_persons=30, exited=10, general=0)
"""The divisions and the officers; the made-up households are not used."""
CONNECTIONS, ROUNDS, COMPARED, WARMING = (8, 32), 3, 25, 5
POOL = 8
"""The peer's connections to the database."""
BUILDING = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=1GB",
    "work_mem=256MB", "maintenance_work_mem=512MB", "max_wal_size=4GB",
)  # fmt: skip


# --- the county ------------------------------------------------------------------------------------------------

GIVEN = """
    create temporary table given (
        tenant integer, households bigint, villages bigint[], known timestamptz, edition uuid, officer uuid,
        plan jsonb, decided jsonb[]
    ) on commit drop"""
MADE = """
    create temporary table made on commit drop as
    select n, villages[1 + n * cardinality(villages) / households] as division,
           uuidv7() as household, uuidv7() as case_id, uuidv7() as determination
    from given, generate_series(0, households - 1) n"""
PEOPLE = """
    create temporary table people on commit drop as
    select n, m, household, division, uuidv7() as person
    from made, generate_series(1, (array[1, 2, 3, 3, 3, 4, 5])[1 + n % 7]) m"""
ROWS = {
    "household (tenant_id, id, number, division, group_name, created_at)": """
        tenant, household, '990102' || lpad(n::text, 7, '0'), division, 1 + n % 8 || '组', known from made, given""",
    "standing (tenant_id, id, household_id, division, standing, exit_year, valid_from, known_from)": """
        tenant, uuidv7(), household, division, 'exited', 2016 + n % 4, '2020-01-01', known from made, given""",
    "person (tenant_id, id, division, name, sex, birth_date, created_at)": """
        tenant, person, division,
        substr('演示例样', 1 + ((n + m) % 4)::int, 1) || substr('甲乙丙丁戊己庚辛壬癸', 1 + (n % 10)::int, 1)
            || substr('子丑寅卯辰巳午未申酉戌亥', 1 + ((n / 10 + 5 * m) % 12)::int, 1),
        (array['m', 'f'])[1 + (n + m) % 2], date '1938-01-01' + ((n * 7919 + m * 104729) % 29500)::int, known
        from people, given""",
    "membership (tenant_id, id, household_id, person_id, division, relation, valid_from, known_from)": """
        tenant, uuidv7(), household, person, division,
        (array['head', 'spouse', 'child', 'parent', 'grandchild'])[m], '2020-01-01', known from people, given""",
    """case_file (tenant_id, id, programme, period, edition_id, household_id, division, stage, version, round, since,
                  opened_on, stated)""": """
        tenant, case_id, 'consolidation', '2021', edition, household, division, 'payment', 1, 1, '2021-10-20',
        '2021-02-10', plan from made, given""",
    """determination (tenant_id, id, case_id, round, division, edition_id, outcome, payable_fen, facts, step_values,
                      digest, known_at, counted_to, officer_id, recorded_at)""": """
        tenant, determination, case_id, 1, division, edition, d ->> 'outcome', (d ->> 'payable')::bigint,
        d -> 'facts', d -> 'values', d ->> 'digest', known, '2021-09-30', officer, known
        from (select *, decided[1 + n % cardinality(decided)] as d from made, given) of_each""",
    "entitlement (tenant_id, id, case_id, determination_id, division, amount_fen, created_at)": """
        tenant, uuidv7(), case_id, determination, division,
        (decided[1 + n % cardinality(decided)] ->> 'payable')::bigint, known from made, given""",
}
PLAN = {"projects": ["small_breeding"]}
EARNED, OTHER_INCOME = (400_000, 1_234_567, 750_050, 9_000_000), ("planting", "labour", "self_employment")
"""What households earned by breeding in fen, and by nothing else."""


async def build(home: Path, households: int) -> dict[str, Any]:
    """A county with its divisions, officers, rules and open period by the product's own acts, and its households."""
    settings, start, clock = Settings(home=home), time.perf_counter(), datetime(2021, 1, 20, tzinfo=UTC)
    database = await Database.open(settings, WALLS)
    try:
        made = await county_of(database, Vault.open(settings), COUNTY, SIZE, clock)
        drafter, releaser = await enter(database, COUNTY, OFFICER), await enter(database, COUNTY, RELEASER)
        programme = installed().programme(PROGRAMME)
        async with database.session(drafter.scope) as session:
            await grounds.switch_on(session, drafter, programme, drafter.at.today)
            draft = await provisions.draft(session, drafter, programme, tomllib.loads(PROVISION))
            await keep_preview(session, drafter, installed(), draft, PERIOD)
        async with database.session(releaser.scope) as session:
            await provisions.release(session, releaser, installed(), draft)
            rules = await grounds.open_period(session, releaser, programme, PERIOD)
        villages, plan = [village.code for village in made.villages], json.dumps(PLAN)
        given = (drafter.county.id, households, villages, clock, rules.id, drafter.actor.id, plan, decided(rules))
        walls = {name: value for name, value in drafter.scope.settings().items() if name.startswith("app.")}
        await fill(database, walls, given)
    finally:
        await database.close()
    seconds = round(time.perf_counter() - start, 1)
    return {"households": households, "migration": head(), "seconds": seconds, "villages": villages, "scope": walls}


def decided(rules: grounds.Rules) -> list[str]:
    """What the book decides for a few incomes, as it is kept."""
    kept = []
    for earned in EARNED:
        facts = {"standing": "exited", "exit_year": 2018, **PLAN, **dict.fromkeys(OTHER_INCOME, 0), "breeding": earned}
        result = rules.book.decide(typed(rules, facts), rules.parameters)
        values, digest = dict(result.values), digest_of(rules, facts, result.values)
        row = {"outcome": result.outcome, "payable": result.payable, "facts": facts, "values": values, "digest": digest}
        kept.append(json.dumps(row))
    return kept


async def fill(database: Database, walls: Mapping[str, str], given: tuple[Any, ...]) -> None:
    """Every household with what belongs to it, by the tables' owner under the walls."""
    assert database.server is not None
    connection = await asyncpg.connect(**database.server.connect_arguments(OWNER))
    try:
        async with connection.transaction():
            for name, value in walls.items():
                await connection.execute("select set_config($1, $2, true)", name, value)
            await connection.execute(GIVEN)
            await connection.execute("insert into given values ($1, $2, $3, $4, $5, $6, $7, $8)", *given)
            await connection.execute(MADE)
            await connection.execute(PEOPLE)
            for into, rows in ROWS.items():
                await connection.execute(f"insert into {into} select {rows}")
        await connection.execute(f"vacuum (analyze) {', '.join(into.partition(' ')[0] for into in ROWS)}")
    finally:
        await connection.close()


def county(home: Path, households: int) -> dict[str, Any]:
    """The county in a folder, built unless it is there already in the same size and from the same migration."""
    kept = home / "built.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        if (found["households"], found["migration"]) == (households, head()):
            return found
        kept.unlink()
    EmbeddedServer.remove(home)
    home.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer.start(home, options=BUILDING)
    try:
        found = asyncio.run(build(home, households))
    finally:
        server.release()
    kept.write_text(json.dumps(found))
    return found


# --- the two servers -------------------------------------------------------------------------------------------

# The peer is asked under our names, so that the two answers are of one size; and as every row is current, it is spared
# the conditions that say so.
OURS = """
query Nested($village: DivisionCode!) {
  households(filter: {division: $village}, first: 50) {
    nodes {
      id number group
      members { relation person { name birthYear } }
      cases { version determination { payable } }
    }
  }
}"""
PEERS = """
query Nested($village: BigInt!) {
  households: allHouseholdsList(condition: {division: $village}, first: 50) {
    id: rowId number group: groupName
    members: membershipsByTenantIdAndHouseholdIdList {
      relation person: personByTenantIdAndPersonId { name birthYear: birthDate }
    }
    cases: caseFilesByTenantIdAndHouseholdIdList {
      version determination: determinationsByTenantIdAndCaseIdList { payable: payableFen }
    }
  }
}"""


@dataclass
class Side:
    """A server that runs: its process, where it is, how it is asked."""

    name: str
    process: int
    url: str
    query: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, village: int) -> str:
        """The request for one village."""
        return json.dumps({"query": self.query, "variables": {"village": str(village)}})

    def ask(self, village: int) -> list[Any]:
        """One answer in plain values, whichever the side: numbers for years and fen, everything in order."""
        try:
            answer = post(self.url, self.body(village), self.headers)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.name}: {error.read().decode()}") from error
        if answer.get("errors"):
            raise RuntimeError(f"{self.name}: {answer['errors']}")
        homes, found = answer["data"]["households"], []
        for home in homes if isinstance(homes, list) else homes["nodes"]:
            members = [(m["relation"].lower(), m["person"]["name"], year(m["person"])) for m in home["members"]]
            cases = [(case["version"], fen(case["determination"])) for case in home["cases"]]
            found.append((home["number"], home["group"], sorted(members), sorted(cases)))
        return sorted(found)


def year(person: Mapping[str, Any]) -> int:
    """A person's year of birth; the peer has the day."""
    return int(str(person["birthYear"])[:4])


def fen(result: Any) -> int:
    """The award: ours is in yuan, the peer's in fen, in a list of one."""
    return int(result[0]["payable"]) if isinstance(result, list) else parse_yuan(result["payable"])


def post(url: str, body: str, headers: Mapping[str, str]) -> Any:
    """What a server says to a request."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@contextmanager
def running(command: list[str], environment: Mapping[str, str], folder: Path, url: str) -> Iterator[int]:
    """A server while it is needed: started, waited for until it answers, stopped; its process."""
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until = time.monotonic() + 60
        while not answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command} does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    """Whether a server answers, if only that it wants a token."""
    try:
        post(url, '{"query": "{ __typename }"}', {})
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(home: Path) -> Iterator[Side]:
    """Our API in one process, with an officer's token."""
    program, port, environment = str(Path(sys.executable).parent / "bangfu"), free_port(), {"BANGFU_HOME": str(home)}
    asked = [program, "--tenant", COUNTY, "--as", OFFICER, "token"]
    token = subprocess.run(asked, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}/graphql"
    with running([program, "serve", "--port", str(port), "--no-worker"], environment, home, url) as process:
        yield Side("Bangfu", process, url, OURS, {"Authorization": f"Bearer {token.stdout.strip()}"})


@contextmanager
def peer(home: Path, server: EmbeddedServer, scope: Mapping[str, str]) -> Iterator[Side]:
    """PostGraphile in one process, installed beside the data, as the same role in the same scope."""
    folder, port = home / "postgraphile", free_port()
    shutil.copytree(HERE / "postgraphile", folder, dirs_exist_ok=True)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "install", *quiet], cwd=folder, check=True, stdout=sys.stderr)
    bench = {**server.connect_arguments(APP), "pool": POOL, "listen": port, "scope": scope}
    environment = {"NODE_ENV": "production", "GRAPHILE_ENV": "production", "BENCH": json.dumps(bench)}
    url = f"http://127.0.0.1:{port}/graphql"
    with running(["node_modules/.bin/node", "node_modules/.bin/postgraphile"], environment, folder, url) as process:
        yield Side("PostGraphile", process, url, PEERS)


# --- the load --------------------------------------------------------------------------------------------------

LUA = """
local bodies = {}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function init(arguments)
  for line in io.lines(arguments[1]) do bodies[#bodies + 1] = line end
  math.randomseed(tonumber(arguments[2]))
end
function request() return wrk.format(nil, nil, nil, bodies[math.random(#bodies)]) end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests": %d, "us": %d, "bytes": %d, "errors": %d, "p50": %d, "p99": %d}\\n',
    summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


def cpu(root: int) -> float:
    """The seconds that a process, all below it, and those of them that have ended have computed."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            numbers = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(numbers[1])
            ticks[int(path.parent.name)] = sum(int(number) for number in numbers[11:15])
    tree = {root}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(ticks[process] for process in tree) / os.sysconf("SC_CLK_TCK")


def load(
    side: Side, villages: list[int], connections: int, seconds: int, *, postgres: int, seed: int = 0
) -> dict[str, float]:
    """Load from one thread for some seconds, a random village each time; refuses any answer that is an error."""
    with tempfile.TemporaryDirectory(prefix="bangfu-bench-") as folder:
        lua, bodies = Path(folder, "load.lua"), Path(folder, "bodies")
        lua.write_text(LUA)
        bodies.write_text("".join(f"{side.body(village)}\n" for village in villages))
        headers = [f"-H{name}: {value}" for name, value in side.headers.items()]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=30s", f"-s{lua}", *headers, side.url]
        before = cpu(side.process), cpu(postgres)
        done = subprocess.run([*command, bodies, str(seed)], check=True, capture_output=True, timeout=seconds + 60)
        served, queried = cpu(side.process) - before[0], cpu(postgres) - before[1]
    found: dict[str, float] = json.loads(done.stdout.strip().rpartition(b"\n")[2])
    requests = found["requests"]
    if found["errors"] or not requests:
        raise RuntimeError(f"{side.name}: {found}")
    return {
        "requests a second": requests / found["us"] * 1e6,
        "p50 ms": found["p50"] / 1e3,
        "p99 ms": found["p99"] / 1e3,
        "server CPU ms a request": served / requests * 1e3,
        "PostgreSQL CPU ms a request": queried / requests * 1e3,
        "KB an answer": found["bytes"] / requests / 1e3,
    }


async def statements(server: EmbeddedServer, side: Side, village: int) -> dict[str, float]:
    """How many statements one request sends to the database, by its own log; and how many of them are more than the
    frame of the transaction and its scope."""
    admin, log = await asyncpg.connect(**server.connect_arguments(ADMIN)), server.base / "server.log"
    try:
        await admin.execute("alter system set log_statement = 'all'")
        await admin.execute("select pg_reload_conf()")
        await asyncio.sleep(0.5)
        start = log.stat().st_size
        side.ask(village)
        await asyncio.sleep(0.5)
        said = log.read_bytes()[start:].decode()
    finally:
        await admin.execute("alter system reset log_statement")
        await admin.execute("select pg_reload_conf()")
        await admin.close()
    sent = re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", said)
    frame = re.compile(r"begin|start|commit|rollback|select set_config", re.IGNORECASE)
    return {"statements": len(sent), "of them for data": sum(not frame.match(statement) for statement in sent)}


# --- the run ---------------------------------------------------------------------------------------------------


def compare(sides: list[Side], villages: list[int]) -> int:
    """How many objects an answer holds; refuses if the servers differ on any of some random villages."""
    objects = 0
    for village in random.sample(villages, COMPARED):
        answers = [side.ask(village) for side in sides]
        if len(answers[0]) != 50 or any(answer != answers[0] for answer in answers):
            raise RuntimeError(f"not the same 50 households of {village}: {[str(answer)[:400] for answer in answers]}")
        objects += sum(1 + 2 * len(members) + 2 * len(cases) for _, _, members, cases in answers[0])
    return round(objects / COMPARED)


def measure(home: Path, built: Mapping[str, Any], seconds: int, peer_only: bool) -> dict[str, Any]:
    """Both servers in turn, at each number of connections; medians over the rounds."""
    villages, server = built["villages"], EmbeddedServer.start(home)
    with ExitStack() as stack:
        stack.callback(server.release)
        sides = [] if peer_only else [stack.enter_context(ours(home))]
        sides.append(stack.enter_context(peer(home, server, built["scope"])))
        postgres = int((server.data / "postmaster.pid").read_text().split()[0])
        result: dict[str, Any] = {name: built[name] for name in ("households", "seconds")}
        result["objects an answer"] = compare(sides, villages)
        for side in sides:
            load(side, villages, max(CONNECTIONS), WARMING, postgres=postgres)
        result["one request"] = {side.name: asyncio.run(statements(server, side, villages[0])) for side in sides}
        for connections in CONNECTIONS:
            rounds: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
            for seed in range(ROUNDS):
                for side in sides:
                    done = load(side, villages, connections, seconds, postgres=postgres, seed=seed)
                    rounds[side.name].append(done)
            result[f"{connections} connections"] = {name: medians(all_) for name, all_ in rounds.items()}
        compare(sides, villages)
    return result


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure the one in the middle."""
    return {name: round(statistics.median(figures[name] for figures in rounds), 3) for name in rounds[0]}


def table(result: Mapping[str, Any]) -> None:
    """The figures, and ours as a multiple of the peer's."""
    say = functools.partial(print, file=sys.stderr)
    say(f"{result['households']:,} households, {result['objects an answer']} objects an answer")
    for title, sides in result.items():
        if isinstance(sides, dict):
            say(f"\n{title:<30}" + "".join(f"{name:>14}" for name in sides) + f"{'x':>9}" * (len(sides) > 1))
            for name in next(iter(sides.values())):
                values = [figures[name] for figures in sides.values()]
                ratio = f"{values[0] / values[1]:>9.2f}" if len(values) > 1 else ""
                say(f"  {name:<28}" + "".join(f"{value:>14,.2f}" for value in values) + ratio)


def main() -> None:
    """Build the county unless it is there, measure, and print the figures: a table for people, JSON for files."""
    parser = argparse.ArgumentParser(description="The API's nested list beside PostGraphile.")
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=15, help="of each of the rounds")
    parser.add_argument("--home", type=Path, help="the folder in which the county is kept for the next run")
    parser.add_argument("--peer-only", action="store_true", help="PostGraphile alone")
    parser.add_argument("--remove", action="store_true", help="remove the county afterwards")
    options = parser.parse_args()
    for program, package in (("wrk", "wrk"), ("npm", "npm")):
        if shutil.which(program) is None:
            parser.error(f"{program} is missing: apt-get install {package}")
    if options.households < 50 * SIZE.townships * SIZE.villages:
        parser.error("a village needs 50 households")
    home = options.home or Path(tempfile.gettempdir()) / f"bangfu-bench-api-{options.households}"
    try:
        result = measure(home, county(home, options.households), options.seconds, options.peer_only)
    finally:
        if options.remove:
            EmbeddedServer.remove(home)
            shutil.rmtree(home, ignore_errors=True)
    table(result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
