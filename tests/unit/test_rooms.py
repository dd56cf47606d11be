"""The picture of the rooms in docs/design.md, and its words."""

from docs import rooms


def test_the_rooms_are_drawn_and_told_as_the_code_is_now():
    told = "; ".join(", ".join(floor) for floor in rooms.floors())
    design = rooms.PICTURE.with_name("design.md").read_text(encoding="utf-8")

    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture()
    assert f"{told}.](rooms.svg)" in " ".join(design.split())
