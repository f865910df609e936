// The body of a function for the page: every text whose contrast with its ground is too low (WCAG 2,
// level AA), and every outline of a control and mark of the focus that is.

function channels(colour) {
  const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
}

function over(top, ground) {
  const mix = (x, y) => x * top.a + y * (1 - top.a);
  return { r: mix(top.r, ground.r), g: mix(top.g, ground.g), b: mix(top.b, ground.b), a: 1 };
}

function groundOf(element) {
  if (element === null) return { r: 255, g: 255, b: 255, a: 1 };
  const own = channels(getComputedStyle(element).backgroundColor);
  return own.a === 1 ? own : over(own, groundOf(element.parentElement));
}

function luminance({ r, g, b }) {
  const linear = (channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function contrast(colour, ground) {
  const [dark, light] = [luminance(over(colour, ground)), luminance(ground)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const found = [];
let looked = 0;

function look(what, element, colour, ground, least) {
  looked += 1;
  const ratio = contrast(channels(colour), ground);
  if (ratio >= least) return;
  const which = `${element.tagName}.${element.className} "${element.textContent.slice(0, 30)}"`;
  found.push(`${what} of ${which}: ${ratio.toFixed(2)}`);
}

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(':disabled, noscript')) continue;
  const style = getComputedStyle(element);
  const size = Number.parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  look('text', element, style.color, groundOf(element), isLarge ? 3 : 4.5);
}
for (const field of document.querySelectorAll('input')) {
  look('placeholder', field, getComputedStyle(field, '::placeholder').color, groundOf(field), 4.5);
  look('border', field, getComputedStyle(field).borderTopColor, groundOf(field.parentElement), 3);
}
for (const control of document.querySelectorAll('a, button:enabled, input, summary')) {
  if (!control.checkVisibility()) continue;
  control.focus({ focusVisible: true, preventScroll: true });
  look('focus', control, getComputedStyle(control).outlineColor, groundOf(control.parentElement), 3);
}
return { found, looked };
