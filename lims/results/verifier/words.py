"""What the page that checks certificates says, in both languages at once. Pure.

A test holds the list complete: what the page's template and scripts say stands here.
"""

from __future__ import annotations

from lims.msgid import N_
from lims.results.certificates.refusals import REASONS

WORDS = (
    N_("Check a result sheet"),
    N_(
        "Scan the QR code of a result sheet. It is checked on this device alone: nothing is sent anywhere, and no "
        "network is needed."
    ),
    N_("Scan with the camera"),
    N_("Stop the camera"),
    N_("Hold the whole QR code in the picture."),
    N_("Choose a picture"),
    N_("or paste the text of the QR code (it begins with HC1:)"),
    N_("Check"),
    N_("This sheet is genuine and valid."),
    N_("This sheet is genuine. Whether it was revoked is not known: there is no list of revoked sheets."),
    N_(
        "This sheet is genuine. Whether it was revoked since is not known: the list of revoked sheets is old. Load "
        "this page again, or get a new file."
    ),
    N_("Not valid"),
    N_("What is written in it, which is not to be believed:"),
    N_("Compare name and date of birth with a paper of the person."),
    N_("Full name"),
    N_("Date of birth"),
    N_("Sample taken"),
    N_("Valid until"),
    N_("Tested for"),
    N_("Test"),
    N_("Laboratory"),
    N_("Issued by"),
    N_("Identifier"),
    N_("Detected"),
    N_("Not detected"),
    N_("Another finding"),
    N_("This is no certificate of a test."),
    N_("The lists of signers and of revoked sheets are of %(time)s (%(age)s)."),
    N_("%(count)s minutes old"),
    N_("%(count)s hours old"),
    N_("%(count)s days old"),
    N_("They are old: load this page again, or get a new file."),
    N_("Trusted signers: %(names)s"),
    N_("There is no trusted signer, so nothing can be found valid."),
    N_("The list of revoked sheets is damaged. Get this page again."),
    N_("There is no list of revoked sheets."),
    N_("Download this page"),
    N_("One file that checks without a network. Get a new one each day."),
    N_("The camera is not allowed. Allow it in the browser's settings of this page, or choose a picture."),
    N_("There is no camera that this page can use. Choose a picture, or paste the text."),
    N_("The reader of codes could not be started. Paste the text of the QR code."),
    N_("Another app is using the camera. Close it, then start the camera again."),
    N_("No QR code was found in this picture. Take it closer, in good light, with all four corners."),
    N_(
        "This browser checks signatures only on a secure address (https). Download the page and open the file."
    ),
    N_("The sheets are those of this laboratory network, signed by it; they are no national certificates."),
    N_("This page needs JavaScript."),
    *REASONS.values(),
)
