"""Where a file says that it comes from, and when that is believed."""

from typing import Any

import pytest

from ambrotype.core import provenance, recipes
from tests.recipes import containers

URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MANIFESTS: dict[str, Any] = {
    "active_manifest": "a",
    "manifests": {
        "a": {
            "claim_generator_info": [{"name": "Fox Maker", "version": "1.0"}],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [
                {"action": "c2pa.created", "digitalSourceType": URI + "trainedAlgorithmicMedia"}]}}],
            "ingredients": [{"title": "sketch.png", "relationship": "parentOf", "instance_id": "xmp:iid:1"}],
        }
    },
}  # fmt: skip


def test_valid_credentials_are_believed() -> None:
    origin = provenance.of([], None, c2pa="valid", manifests=MANIFESTS)
    assert origin.provenance.generator == "Fox Maker 1.0"
    assert origin.provenance.digital_source_type == "trainedAlgorithmicMedia"
    assert [one.title for one in origin.ingredients] == ["sketch.png"]


def test_credentials_that_do_not_hold_are_told_of_and_not_believed() -> None:
    origin = provenance.of([], None, c2pa="invalid", manifests=MANIFESTS)
    assert origin.provenance.c2pa == "invalid"
    assert (origin.provenance.generator, origin.provenance.digital_source_type, origin.ingredients) == (None, None, ())


def test_what_was_only_edited_comes_from_where_its_ingredient_comes_from() -> None:
    edited = {
        "active_manifest": "b",
        "manifests": {**MANIFESTS["manifests"], "b": {"assertions": [{"label": "c2pa.actions", "data": {"actions": [
            {"action": "c2pa.opened"}]}}]}},
    }  # fmt: skip
    origin = provenance.of([], None, c2pa="valid", manifests=edited)
    assert origin.provenance.digital_source_type == "trainedAlgorithmicMedia"


@pytest.mark.parametrize(
    "inside",
    [
        f"<Iptc4xmpExt:DigitalSourceType>{URI}compositeSynthetic</Iptc4xmpExt:DigitalSourceType>",
        f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{URI}compositeSynthetic"/>',
        "<Iptc4xmpExt:DigitalSourceType>compositesynthetic</Iptc4xmpExt:DigitalSourceType>",
    ],
)
def test_iptcs_source_type_is_read_however_it_is_written(inside: str) -> None:
    packet = recipes.Text(where="xmp", key="packet", text=containers.xmp(inside, 'xmp:CreatorTool="Fox Maker"'))
    origin = provenance.of(recipes.expanded([packet]), None, c2pa="absent", manifests=None)
    assert origin.provenance.digital_source_type == "compositeSynthetic"
    assert origin.provenance.generator == "Fox Maker"


@pytest.mark.parametrize("value", [None, 7, "", "made up", "https://evil.example/trainedAlgorithmicMedia"])
def test_what_is_no_code_of_iptc_is_none(value: object) -> None:
    assert provenance.source_type_code(value) is None
