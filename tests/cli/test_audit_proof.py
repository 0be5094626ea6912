"""`tradepost audit` proves an export far from the database, and the chain without the store."""

from pathlib import Path

from tests.processes import Place


def test_an_export_is_proven_by_its_files_and_a_noted_key(place: Place, tmp_path: Path):
    key = place.run("audit", "signing-key").good().out.strip()
    assert "Intact" in place.run("audit", "verify").good().out
    rows, proof = tmp_path / "rows.jsonl", tmp_path / "rows.proof"
    place.run("audit", "export", rows, "--proof", proof).good()
    files = ("audit", "verify", "--export", rows, "--proof", proof)
    assert f"with {key}" in place.run(*files, "--key", key).good().out
    assert "another key" in place.run(*files, "--key", "A" * 43 + "=").refusal()
    assert "belong together" in place.run("audit", "verify", "--export", rows).refusal()
    assert "JSON lines" in place.run("audit", "export", tmp_path / "c", "--format", "csv", "--proof", proof).refusal()
    other = place.run("audit", "signing-key", "--new").good().out.strip()
    assert other != key
    assert place.ask("audit", "verify")["key"] == other
    rows.write_text(rows.read_text("utf-8").replace('"outcome":"ok"', '"outcome":"no"', 1), "utf-8")
    assert "not what was signed" in place.run(*files).refusal()
