
from __future__ import annotations
import json
from tests.api.conftest import Served
from tests.county import *
async def test_probe(served: Served) -> None:
    with Statements(served.world.database) as s:
        a = await served.ask("C1", '{households{nodes{number income(first:1){totalCount nodes{item}}}}}')
    print(json.dumps(a.body, ensure_ascii=False))
    for x in s.seen: print(x)
