"""Pairings 结对帮扶: who helps whom, what they agree on, what is delivered, and what the other side says to it.

* ``standing`` says what state an agreement is in and what stands of a delivery after each answer (pure),
* ``registrations`` and ``needs`` who is registered to help, and what villages need,
* ``agreements`` what two sides sign, plan and run into,
* ``ledger`` what was delivered and what was answered,
* ``reviews`` the yearly review against the plan,
* ``figures`` what it all comes to, each total with its lines, and what waits for whom,
* ``papers`` the annual statement and the certificate of who helps,
* ``summaries`` the honour list and the county's annual summary,
* ``exports`` all of these as jobs.

Money and goods of a pairing never meet the state's payments: nothing here writes an entitlement, and no batch reads it.
"""
