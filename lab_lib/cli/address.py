"""Let JupyterLab answer a browser that reaches it through a proxy, such as the one of a Codespace."""

import re

from lab_lib.errors import UsageError

_ADDRESS = re.compile(r"(https?)://([a-z0-9.-]*[a-z][a-z0-9-]*)(:\d{1,5})?(/[\w.~@%/-]*)?", re.ASCII | re.IGNORECASE)
_LEFT_OUT = {"http": ":80", "https": ":443"}  # by browsers


def jupyter_options(address: str) -> list[str]:
    """Return the options for a Jupyter server behind a proxy with this address. UsageError if it is not an address.

    Jupyter refuses requests for another host than this computer, and requests from the pages of another site: both
    keep out a hostile page in another tab. These options allow one more host, and the pages of one more site.
    """
    if not (found := _ADDRESS.fullmatch(address)):
        wanted = "the address of the proxy, with a host name, such as https://lab.example/user/ana"
        raise UsageError(f"--address is {address!r}; wanted {wanted}.")
    scheme, host, port, path = found.groups(default="")
    origin = f"{scheme}://{host}{port.removesuffix(_LEFT_OUT[scheme.lower()])}".lower()
    return [
        f"--ServerApp.allow_origin={origin}",
        f"--ServerApp.local_hostnames={host.lower()}",
        "--ServerApp.local_hostnames=localhost",  # which some proxies put in the place of their own name
        f"--ServerApp.base_url={path or '/'}",
        f"--ServerApp.custom_display_url={origin}",
        "--ServerApp.port_retries=0",  # the proxy asks at one port only
        "--ServerApp.open_browser=False",  # the browser is on another computer
    ]
