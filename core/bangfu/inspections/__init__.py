"""Inspections 考核检查: bases that are held against a checklist, what was missing, and what the result is worth.

* ``standing`` says what state a base and an assessment are in (pure),
* ``bases`` who is a base, of which level,
* ``assessments`` what one person finds and another agrees, the rectification notice, and how its findings are closed,
  and the subsidy that is due by the result,
* ``figures`` what it all comes to, each total with its lines.

Nothing here pays: what is due by a result is a line that says so.
"""
