// Telephone numbers as lims/intake/identity.py takes them: a number that the server would refuse must not travel in a
// slip, or a tube would wait for its name. Pure. tests/field/test_app_reading.py compares the two.

const MOVED =
  "0120 0121 0122 0123 0124 0125 0126 0127 0128 0129 0162 0163 0164 0165 0166 0167 0168 0169 0186 0188 0199".split(" ");

/** Whether a text is a telephone number, or empty. */
export function isTelephone(text) {
  const digits = text.replace(/[\s.\-()]/g, "");
  if (!digits || /^\+(?!84)[1-9][0-9]{7,14}$/.test(digits)) return true;
  let national = digits.replace(/^(?:\+?84|0084)0?(?=[0-9]{9,10}$)/, "0");
  if (/^[35789][0-9]{8}$/.test(national)) national = `0${national}`;
  // Eleven-digit mobile numbers of before 2018 live on in the lists of wards; the server translates them.
  if (/^01[0-9]{9}$/.test(national)) return MOVED.includes(national.slice(0, 4));
  return /^(?:0[35789][0-9]{8}|02[0-9]{9})$/.test(national);
}
