"""Read the zip archive of a function, which anybody may have made. Names in it are compared, and lead to no file."""

import io
import zipfile

from lab_lib.language import _

_MOST_ENTRIES = 20_000
_LARGEST, _MOST_BYTES = 300_000, 2_000_000  # of a Python file, of all that are read; parsing takes 900 times as much
_ENTRY = b"PK\x01\x02"  # begins each entry of the list of files


def python_files(content: bytes) -> dict[str, str]:
    """Return the Python files of an archive: those of its top folder and, as far as two million bytes go, the others.

    Raises what zipfile raises for a damaged archive, ValueError for one that is too large to be read.
    """
    if content.count(_ENTRY) > _MOST_ENTRIES:
        raise ValueError(_("it has too many files"))
    texts = {}
    bytes_left = _MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".py")]
        for entry in sorted(entries, key=lambda entry: entry.filename.count("/")):
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others expand without a limit
                raise ValueError(_("it is compressed in a way that Lambda does not know"))
            room = min(bytes_left, _LARGEST)
            with archive.open(entry) as file:
                text = file.read(room + 1)
            if len(text) <= room:
                texts[entry.filename] = text.decode("utf-8-sig", errors="replace")
                bytes_left -= len(text)
            elif "/" not in entry.filename:
                raise ValueError(_("its Python files are too large"))
    return texts
