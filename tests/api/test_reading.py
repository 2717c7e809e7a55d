"""Reading."""

from __future__ import annotations

from tests.api.conftest import Served
from tests.county import V1


async def test_a_nested_list(served: Served) -> None:
    await served.world.until("acceptance")
    await served.day(served.world.today)
    answer = await served.ask(
        "C1",
        """query($d: DivisionCode!) { households(filter: {division: $d}, first: 3) { totalCount pageInfo { hasNextPage endCursor }
          nodes { id number division { name township: townshipCode } head { person { name birthYear identityNumberMasked } }
            members { relation person { name } } cases { id stageCode stageTitle waitsFor overdue deadline determination { outcome payable }
             ... on ConsolidationCase { stage stated { projects } determination { facts { breeding projects standing } findings { beforeCap award } } } receipt { summary lines { says } } } } } }""",
        d=str(V1),
    )
    import json

    print(json.dumps(answer.body, ensure_ascii=False, indent=1)[:6000])
    assert answer.data["households"]["totalCount"] == 4
