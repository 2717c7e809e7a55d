"""Bangfu 帮扶 turns a county's assistance plan (实施方案) into a running, fair, auditable programme.

The rooms of the house, from the ground up: ``text`` and ``errors``; the pure kernel ``policy``,
``calendar``, ``rules``, ``selection``, ``process``; ``programme`` (what a plugin declares);
``vault``, ``db``, ``models``, ``audit``, ``access``, ``disclosure``; ``jobs``, ``files``, ``documents``;
``registry``, ``notices``, ``payments``; ``cases``; and on the roof ``cli``, ``demo`` and ``testing``. Imports
run one way only and ``pyproject.toml`` says which.
"""

__version__ = "0.9.2"
