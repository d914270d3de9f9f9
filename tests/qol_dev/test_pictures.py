import re

from qol_dev.pictures import terminal_svg


def test_a_picture_of_a_terminal_has_its_text_and_loads_nothing() -> None:
    picture = terminal_svg("steps_mean 8175.67\nNull: needs 5 days")
    assert "8175.67" in picture
    assert re.findall(r"url\(([^)#]+)\)|href=|@font-face", picture) == []
