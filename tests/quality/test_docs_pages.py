"""Data Docs can be read without a network."""

from pathlib import Path

from qol.quality.docs_pages import write_pages

PAGE = """<html><head><link rel="stylesheet" href="https://cdn.example/bootstrap.css"><script src="//cdn.example/a.js"></script>
<style>.hidden { display: none }</style></head><body><img src="https://cdn.example/logo.png"><p>Succeeded</p>
<script>alert("x")</script></body></html>"""


def test_data_docs_load_nothing_and_their_first_page_links_the_results_of_the_last_run(tmp_path: Path) -> None:
    write_pages(tmp_path, {"validations/weekly_metrics/gate/page.html": PAGE})
    text = (tmp_path / "validations/weekly_metrics/gate/page.html").read_text()
    assert "<p>Succeeded</p>" in text
    assert not any(loaded in text for loaded in ("cdn.example", "<script", "<link", "<img", ".hidden"))
    index = (tmp_path / "index.html").read_text()
    assert '<a href="validations/weekly_metrics/gate/page.html">weekly_metrics</a>' in index
