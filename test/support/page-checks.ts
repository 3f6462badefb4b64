import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Where screenshots are kept for people to look at. */
export function screenshotFolder(): string {
  const folder = fileURLToPath(new URL('../../test-results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The same screen in both themes, each of them legible and operable. */
export async function shoot(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // The page follows the system by itself, a moment later.
    await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
    // Colours that fade would be measured half way. Whoever wants less motion gets none that goes on for ever.
    await expect
      .poll(() => page.evaluate(() => document.getAnimations().length), { timeout: 5_000 })
      .toBe(0);
    await page.screenshot({ path: join(screenshotFolder(), `${name}-${colorScheme}.png`) });
    expect(await accessibilityFaults(page), `${name}, ${colorScheme}`).toEqual([]);
  }
}

/** What a page must not have: errors, warnings of its console, violations of its content security policy. */
export async function collectProblems(page: Page): Promise<readonly string[]> {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  await page.exposeFunction('reportViolation', (text: string) => void problems.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = (window as unknown as { reportViolation(text: string): void }).reportViolation;
      report(`${event.violatedDirective}: ${event.blockedURI || event.sourceFile}`);
    });
  });
  return problems;
}

/** Text with less contrast to its background than WCAG 2.2 asks for (1.4.3: 4.5:1, or 3:1 for large text). */
function contrastFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    type Color = readonly [number, number, number, number];
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const parse = (text: string): Color => {
      if (context === null) return [0, 0, 0, 1];
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = text;
      context.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top: Color, below: Color): Color => {
      const mix = (index: 0 | 1 | 2): number => top[index] * top[3] + below[index] * (1 - top[3]);
      return [mix(0), mix(1), mix(2), 1];
    };
    const luminance = ([r, g, b]: Color): number => {
      const part = (value: number): number =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
      return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const backgroundOf = (element: Element): Color => {
      const layers: Color[] = [];
      for (let node: Element | null = element; node !== null; node = node.parentElement) {
        const color = parse(getComputedStyle(node).backgroundColor);
        layers.push(color);
        if (color[3] === 1) break;
      }
      return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1] as Color);
    };
    const shown = (element: Element): boolean =>
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
      element.getClientRects().length > 0;
    const faults: string[] = [];
    const name = (element: Element): string =>
      `${element.tagName.toLowerCase()} “${(element.textContent ?? '').trim().slice(0, 40)}”`;

    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement;
      if (element === null || (node.textContent ?? '').trim() === '' || !shown(element)) continue;
      if (
        element.closest(
          ':disabled, [aria-hidden="true"], [data-disabled="true"], [aria-disabled="true"]',
        )
      )
        continue;
      const style = getComputedStyle(element);
      const size = Number.parseFloat(style.fontSize);
      if (size === 0) continue;
      const background = backgroundOf(element);
      const [light = 1, dark = 0] = [
        luminance(over(parse(style.color), background)),
        luminance(background),
      ].sort((left, right) => right - left);
      const ratio = (light + 0.05) / (dark + 0.05);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${name(element)}`);
    }
    return faults;
  });
}

/** Controls without an accessible name, and ids used twice. */
function namingFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const shown = (element: Element): boolean =>
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
      element.getClientRects().length > 0;
    const labelled = (element: Element): boolean => {
      const input = element as HTMLInputElement;
      const texts = [
        element.getAttribute('aria-label'),
        element.textContent,
        element.getAttribute('title'),
        ...(element.getAttribute('aria-labelledby') ?? '')
          .split(' ')
          .map((id) => document.getElementById(id)?.textContent),
        ...Array.from(input.labels ?? [], (label) => label.textContent),
      ];
      return texts.some((text) => (text ?? '').trim() !== '');
    };
    const controls =
      'button, a[href], input:not([type="hidden"]), select, textarea, [role="button"]';
    for (const element of document.querySelectorAll(controls)) {
      if (element.closest('[aria-hidden="true"]')) continue;
      if (shown(element) && !labelled(element))
        faults.push(`no name: ${element.outerHTML.slice(0, 160)}`);
    }
    const ids = Array.from(document.querySelectorAll('[id]'), ({ id }) => id);
    for (const id of new Set(ids)) {
      if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id used twice: ${id}`);
    }
    return faults;
  });
}

/** Faults in what is on screen that keep people from reading or operating it. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  return [...new Set([...(await contrastFaults(page)), ...(await namingFaults(page))])];
}
