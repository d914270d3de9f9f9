"""Adding a record type is adding one YAML file."""

from pathlib import Path
from textwrap import dedent

from qol.contracts.catalog import catalog
from qol.contracts.columns import table_schemas
from qol.contracts.generated import generated
from qol.contracts.load import load_contracts

SCALE = dedent("""\
    source: zeta
    record: weights
    description: One weighing.
    person: [user, id]
    key: [measured_at]
    day: {start: measured_at}
    fields:
      measured_at: {path: measured.at, type: epoch_seconds, description: 'When, Unix time.'}
      weight_g: {path: grams, type: integer, unit: g, range: [20000, 350000], description: Weight.}
    daily:
      weight_kg: weight_g / 1000
    examples:
      - name: a weighing
        arrival: 2026-11-10
        raw: {user: {id: u1}, measured: {at: 1794231000}, grams: 75450}
        expect: {weight_g: 75450}
    """)


def test_one_file_gives_a_contract_with_defaults_a_table_and_a_place_in_the_catalog(schemas: Path) -> None:
    folder = schemas / "sources/zeta"
    folder.mkdir()
    (folder / "weights.yaml").write_text(SCALE, encoding="utf-8")

    contracts = load_contracts(schemas)

    scale = contracts.by_name["zeta_weights"]
    assert (scale.paths, scale.envelope_keys, scale.priority) == (("raw/zeta/weights",), ("weights",), 100)
    assert (scale.person, scale.drop, scale.version) == (("user", "id"), (), ())
    assert [c.name for c in table_schemas(contracts)["records_zeta_weights"]][8:10] == ["measured_at", "weight_g"]
    assert "schemas/tables/records_zeta_weights.yaml" in generated(contracts)
    assert "; zeta weights: `weight_g / 1000` |" in catalog(contracts)
