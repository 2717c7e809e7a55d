"""What is handed out by a list 发放台账: goods and devices, the conversion of homes, seats in trainings.

* ``ledger`` what is needed, who is listed, what was handed over to whom, what was seen afterwards,
* ``stock`` what was bought, and what is left of it,
* ``figures`` what it all comes to, each total with its lines, and where stock and lines differ,
* ``sheets`` the sheet for signing, as it is printed, and as it comes back signed.

A line is stated, listed, handed over and followed up, and counts once. Nothing is deleted: a correction is a new line
in the place of an earlier one, which goes the same way again. Nothing here pays anybody.
"""
