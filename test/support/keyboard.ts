import type { Locator, Page } from 'playwright-core';

/** Most stops between two controls of one page. */
const MOST_STOPS = 60;

/** Whether an outline shows where the focus is. */
function focusIsVisible(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return true;
    const outlined = (one: Element | null): boolean => {
      if (one === null) return false;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0;
    };
    // Switches, checkboxes and segments draw the ring of their hidden input on a neighbour.
    return outlined(element) || outlined(element.nextElementSibling);
  });
}

/** Presses Tab until the control has the focus, and finds each stop on the way visible. */
export async function tabTo(page: Page, control: Locator): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    if (await control.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
    if (!(await focusIsVisible(page))) {
      const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200));
      throw new Error(`The focus cannot be seen on ${where}`);
    }
  }
  throw new Error(`Tab does not lead to ${control}`);
}

/** Presses keys one after the other. */
export async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}
