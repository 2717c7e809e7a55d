"""The schema is a contract: committed, described, made for the programmes that a county runs, and no others."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    is_introspection_type,
    parse,
    print_schema,
    validate,
)

from bangfu.errors import Code
from bangfu.process import Duty
from bangfu.programme import Programme, installed
from bangfu_graphql.mapping import prefix_of
from bangfu_graphql.programmes import types_of
from bangfu_graphql.schema import schema_of
from tests.api.conftest import OPERATIONS, Served
from tests.county import MARCH

SCHEMA = Path(__file__).parent.parent.parent / "graphql" / "schema.graphql"
ALL = tuple(installed().programmes.values())


def test_the_committed_schema_is_what_the_code_makes() -> None:
    made = schema_of(ALL).printed()
    assert SCHEMA.read_text(encoding="utf-8") == made, "run: bangfu schema > graphql/schema.graphql"
    assert print_schema(build_schema(made)) + "\n" == made


def test_everything_is_described() -> None:
    missing = []
    for name, kind in schema_of(ALL)._schema.type_map.items():
        if is_introspection_type(kind) or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not (kind.description or "").strip():
            missing.append(name)
        if isinstance(kind, GraphQLEnumType):
            missing += [f"{name}.{key}" for key, value in kind.values.items() if not (value.description or "").strip()]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in kind.fields.items():
                if not (field.description or "").strip():
                    missing.append(f"{name}.{key}")
                for argument, own in getattr(field, "args", {}).items():
                    if not (own.description or "").strip():
                        missing.append(f"{name}.{key}({argument})")
    assert missing == []


def test_what_needs_a_permission_says_so() -> None:
    kinds = schema_of(ALL)._schema.type_map
    for name, needed in (("Household", "READ_REGISTERS"), ("ConsolidationCase", "READ_CASES"), ("Job", "READ_OFFICES")):
        assert (kinds[name].description or "").endswith(f"Needs `{needed}`.")
    mutation, person = kinds["Mutation"], kinds["Person"]
    assert isinstance(mutation, GraphQLObjectType)
    assert isinstance(person, GraphQLObjectType)
    assert (mutation.fields["drawSample"].description or "").endswith("Needs `SAMPLE_CASES`.")
    assert (person.fields["birthDate"].description or "").endswith("Needs `READ_BIRTH_DATES`.")
    assert "Needs" not in (kinds["Division"].description or "")


def test_our_scalars_say_where_they_are_specified_and_none_holds_just_anything() -> None:
    ours = {name: kind for name, kind in schema_of(ALL)._schema.type_map.items() if isinstance(kind, GraphQLScalarType)}
    names = {"Money", "Percentage", "DivisionCode", "MonthDay", "Date", "DateTime"}
    assert set(ours) == names | {"String", "Int", "Boolean", "ID", "Upload"}
    assert all(ours[name].specified_by_url for name in names)


def test_only_what_applicants_state_is_an_input() -> None:
    schema = schema_of(ALL)._schema
    # Of a term of school, and of a disability, the applicant states nothing: that is in the register.
    silent = [p.code for p in ALL if f"{prefix_of(p.code)}PlanFacts" not in schema.type_map]
    assert silent == [p.code for p in ALL if not p.stated()] == ["term_aid", "disability_living", "disability_care"]
    for programme in (one for one in ALL if one.code not in silent):
        facts = schema.type_map[f"{prefix_of(programme.code)}PlanFacts"]
        assert isinstance(facts, GraphQLInputObjectType)
        assert {re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", name) for name in facts.fields} == set(programme.stated())
    inputs = {
        (name, field)
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLInputObjectType)
        for field in kind.fields
    }
    gathered = {"payable", "award", "breeding", "exitYear", "membersAtPlan", "netStable", "checkpoint", "led"}
    # The award of a star is a number of the plan, which a county's own document may set; who is led is named by the
    # numbers of households, and how many of them count is not. How many a base leads is counted on the spot.
    assert {given for given in inputs if given[1] in gathered} == {
        ("FiveStarProvisionParameters", "award"),
        ("LeadingParticipants", "led"),
        ("BasePersonsInput", "led"),
    }
    named = {name: str(schema.type_map[name].fields["led"].type) for name, own in inputs if own == "led"}  # type: ignore[attr-defined]
    assert named == {"LeadingParticipants": "[String!]!", "BasePersonsInput": "Int!"}
    plans = {name for name, own in inputs if own == "participants"}
    assert plans == {"LeadingPlanInput"}


def test_enumerations_are_those_of_the_core() -> None:
    kinds = schema_of(ALL)._schema.type_map
    for name, core in (("Duty", Duty), ("ProblemCode", Code)):
        kind = kinds[name]
        assert isinstance(kind, GraphQLEnumType)
        assert set(kind.values) == {member.name for member in core}


def second() -> Programme:
    """A second programme: the first under another name."""
    return dataclasses.replace(ALL[0], code="second_one")


def test_a_schema_has_the_programmes_of_its_county_and_no_others() -> None:
    none, both = schema_of(())._schema, schema_of((*ALL, second()))._schema
    assert not any("Consolidation" in name for name in none.type_map)
    assert {"ConsolidationCase", "SecondOneCase"} <= set(both.type_map)
    assert both.query_type is not None
    assert {"consolidation", "secondOne"} <= set(both.query_type.fields)
    assert both.mutation_type is not None
    assert {"planConsolidation", "planSecondOne", "signSecondOne"} <= set(both.mutation_type.fields)
    assert none.query_type is not None
    assert "consolidation" not in none.query_type.fields
    assert {kind.name for kind in both.get_possible_types(both.type_map["Case"])} == {  # type: ignore[arg-type]
        "ConsolidationCase", "PlannedExitCase", "FiveStarCase", "LeadingCase", "TermAidCase", "ShortTrainingCase",
        "DisabilityLivingCase", "DisabilityCareCase", "SecondOneCase",
    }  # fmt: skip


def test_what_programmes_share_has_one_name_whoever_is_asked_first() -> None:
    names = {
        name
        for programme in ALL
        for name, kind in schema_of((programme,))._schema.type_map.items()
        if isinstance(kind, GraphQLEnumType) and name.endswith(("HouseholdStanding", "Project"))
    }
    assert names == {"CountyDefaultHouseholdStanding", "CountyDefaultProject", "YuluHouseholdStanding"}
    own = schema_of(ALL)._schema.type_map
    assert {"FiveStarStar", "FiveStarAwardRepeat", "LeadingMode", "PlannedExitHouseholdSize", "DayUnit"} <= set(own)


def test_tiers_and_shares_are_lists_of_their_own_types() -> None:
    kinds = schema_of(ALL)._schema.type_map
    shown = {name: str(kinds[name].fields[field].type) for name, field in (  # type: ignore[attr-defined]
        ("LeadingParameters", "tiers"), ("PlannedExitParameters", "instalments"),
        ("DatedAwardTierList", "value"), ("DatedPercentageList", "value"),
    )}  # fmt: skip
    assert shown == {
        "LeadingParameters": "[AwardTier!]!", "PlannedExitParameters": "[Percentage!]!",
        "DatedAwardTierList": "[AwardTierInput!]!", "DatedPercentageList": "[Percentage!]!",
    }  # fmt: skip


def test_a_schema_is_made_once_for_its_set() -> None:
    assert schema_of(ALL) is schema_of(list(reversed(ALL)))
    assert types_of(ALL[0]) is types_of(ALL[0])


@pytest.mark.parametrize("path", sorted(OPERATIONS.glob("*.graphql")), ids=lambda path: path.stem)
def test_every_committed_operation_is_valid_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert validate(schema_of(ALL)._schema, parse(text)) == []
    assert text.startswith("# ")
    (definition,) = parse(text).definitions
    assert definition.name.value == "".join(part.capitalize() for part in path.stem.split("_"))  # type: ignore[attr-defined]


def test_there_is_an_operation_for_every_mutation_and_every_one_is_told_in_the_story() -> None:
    used = "".join(path.read_text(encoding="utf-8") for path in OPERATIONS.glob("*.graphql"))
    mutation = schema_of(ALL)._schema.mutation_type
    assert mutation is not None
    assert {field for field in mutation.fields if f"{field}(" not in used} == set()


async def test_a_programme_that_is_switched_off_is_gone_from_the_api(served: Served) -> None:
    await served.world.until("in_place")
    await served.day(MARCH)
    case = (await served.ask("C1", "{ cases { nodes { id programme } totalCount } }")).data["cases"]
    assert case["totalCount"] == 8
    await served.denied("K1", "switch_programme_off", "FORBIDDEN", programme="consolidation", reason="等待复核")
    await served.denied("C1", "switch_programme_off", "MISSING_VALUE", programme="consolidation", reason=" ")
    answer = await served.operation("C1", "switch_programme_off", programme="consolidation", reason="等待复核")
    assert answer.data["switchProgrammeOff"]["problems"] == []
    assert (await served.ask("C1", '{ consolidation(period: "2021") { period } }')).codes == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    assert (await served.ask("C1", "{ cases { totalCount } }")).data["cases"]["totalCount"] == 0
    found = await served.ask("C1", "query($id: ID!) { node(id: $id) { id } }", id=case["nodes"][0]["id"])
    assert found.data["node"] is None
    programmes = (await served.ask("C1", "{ programmes { code since periods } viewer { programmes } }")).data
    assert programmes == {
        "programmes": [
            {"code": "consolidation", "since": None, "periods": ["2021"]},
            *({"code": own.code, "since": None, "periods": []} for own in ALL[1:]),
        ],
        "viewer": {"programmes": []},
    }  # fmt: skip
