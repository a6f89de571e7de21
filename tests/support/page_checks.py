"""What a page is asked in a browser: whether text fits its box and stands out from its ground."""

WIDTHS = (1280, 390)

# Elements whose text does not fit their box, and labels of drawings that stick out of them.
CLIPPED = """() => {
  const out = [];
  for (const e of document.querySelectorAll('p,li,td,th,dd,dt,h1,h2,h3,span,div')) {
    // The heads of stacked tables are kept for screen readers only; what scrolls is not clipped.
    if (!e.offsetParent || e.closest('.stack thead') || e.matches('.scroll')) continue;
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
      out.push(e.tagName + ': ' + e.textContent.trim().slice(0, 60));
  }
  for (const svg of document.querySelectorAll('svg')) {
    if (!svg.getClientRects().length) continue;
    const frame = svg.getBoundingClientRect();
    for (const t of svg.querySelectorAll('text')) {
      const box = t.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1
          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        out.push('label: ' + t.textContent);
    }
  }
  return out;
}"""

# Contrast (WCAG 2) of every visible piece of text against the nearest opaque background.
FAINT = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const f = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || (c.length === 4 && c[3] === 1)) return c; } return [255, 255, 255]; };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (!text || e.closest('svg') || !e.getClientRects().length) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) out.push(ratio.toFixed(2) + ': ' + text.slice(0, 40));
  }
  return out;
}"""
