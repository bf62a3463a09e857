// Writes a new answer of the server into the page node by node, so that what has the focus, is open or scrolled stays.

const OWN = new Set(["open"]); // set by the reader, not by the server

function renewAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !OWN.has(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (!OWN.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
}

/** Makes an element equal to another; what carries data-keep is left as it is. */
export function renew(old, fresh) {
  renewAttributes(old, fresh);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((node, index) => {
    const there = before[index];
    if (!there) old.append(document.importNode(node, true));
    else if (there.nodeType !== node.nodeType || there.nodeName !== node.nodeName || there.id !== node.id) there.replaceWith(document.importNode(node, true));
    else if (node.nodeType !== Node.ELEMENT_NODE) {
      if (there.nodeValue !== node.nodeValue) there.nodeValue = node.nodeValue;
    } else if (!node.hasAttribute("data-keep")) renew(there, node);
  });
  for (const node of before.slice(after.length)) node.remove();
}
