/** Global property with the line of the loop that was turned last. */
export const LOOP_LINE = '$gatehouseLoopLine';
/** Global property with the turns of all loops. */
export const LOOP_TURNS = '$gatehouseLoopTurns';

/** What a loop does before each turn: the engine itself knows lines of calls only, and loops need not call anything. */
const markOf = (line: number): string =>
  `globalThis.${LOOP_LINE}=${line},globalThis.${LOOP_TURNS}=(globalThis.${LOOP_TURNS}|0)+1`;

/** Words after which a slash begins a regular expression rather than a division. */
const BEFORE_EXPRESSION = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await'.split(' '),
);
const WORD = /[A-Za-z0-9_$\u0080-\uffff]/;
const OPENING = '([{';
const CLOSING = ')]}';

interface Token {
  readonly text: string;
  readonly start: number;
}

/** End of a text in quotes that begins at `start`. */
function endOfText(source: string, start: number): number {
  const quote = source[start];
  let at = start + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfRegExp(source: string, start: number): number {
  let isClass = false;
  let at = start + 1;
  for (; at < source.length && source[at] !== '\n'; at += 1) {
    const character = source[at];
    if (character === '\\') at += 1;
    else if (character === '[') isClass = true;
    else if (character === ']') isClass = false;
    else if (character === '/' && !isClass) break;
  }
  return at + 1;
}

/** End of a template at `start`, at the backtick that begins it or the brace that ends one of its expressions. */
function endOfTemplate(source: string, start: number): { readonly end: number; isOpen: boolean } {
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '`') return { end: at + 1, isOpen: false };
    else if (source[at] === '$' && source[at + 1] === '{') return { end: at + 2, isOpen: true };
  }
  return { end: source.length, isOpen: false };
}

function beginsExpression(before: Token | undefined): boolean {
  if (!before) return true;
  if (BEFORE_EXPRESSION.has(before.text)) return true;
  return !WORD.test(before.text) && !')]}'.includes(before.text) && before.text !== 'text';
}

/** Words and signs of a script without its comments; texts, templates and regular expressions are the word `text`. */
function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  /** Braces that are open, by whether they belong to a template. */
  const braces: boolean[] = [];
  const template = (start: number): number => {
    const { end, isOpen } = endOfTemplate(source, start);
    tokens.push({ text: isOpen ? '(' : 'text', start });
    if (isOpen) braces.push(true);
    return end;
  };
  for (let at = 0; at < source.length; ) {
    const character = source[at] as string;
    const next = source[at + 1];
    if (/\s/.test(character)) at += 1;
    else if (character === '/' && next === '/') {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else if (character === '/' && next === '*') {
      const end = source.indexOf('*/', at + 2);
      at = end < 0 ? source.length : end + 2;
    } else if (character === '"' || character === "'") {
      tokens.push({ text: 'text', start: at });
      at = endOfText(source, at);
    } else if (character === '`') at = template(at);
    else if (character === '}' && braces.pop()) {
      tokens.push({ text: ')', start: at });
      at = template(at);
    } else if (character === '/' && beginsExpression(tokens.at(-1))) {
      tokens.push({ text: 'text', start: at });
      at = endOfRegExp(source, at);
    } else if (WORD.test(character)) {
      const start = at;
      while (at < source.length && WORD.test(source[at] as string)) at += 1;
      tokens.push({ text: source.slice(start, at), start });
    } else {
      if (character === '{') braces.push(false);
      tokens.push({ text: character, start: at });
      at += 1;
    }
  }
  return tokens;
}

/** Where the condition of a `for` begins, or nothing for loops over something. */
function conditionOf(tokens: readonly Token[], opening: number): Token | undefined {
  let depth = 0;
  for (let index = opening; index < tokens.length; index += 1) {
    const { text } = tokens[index] as Token;
    if (OPENING.includes(text)) depth += 1;
    else if (CLOSING.includes(text)) depth -= 1;
    else if (text === ';' && depth === 1) return tokens[index + 1];
    if (depth === 0) return undefined;
  }
  return undefined;
}

/**
 * The script with a mark at the head of each `while` and `for`, on the same lines; undefined if it has none. What this
 * reads wrongly fails to compile or does something else, so the result is good for finding the line of a loop only.
 */
export function withLoopMarks(script: string): string | undefined {
  const tokens = tokensOf(script);
  const marks: { readonly at: number; readonly text: string }[] = [];
  for (const [index, { text, start }] of tokens.entries()) {
    const opening = tokens[index + 1];
    if (opening?.text !== '(' || tokens[index - 1]?.text === '.') continue;
    const mark = markOf(script.slice(0, start).split('\n').length);
    if (text === 'while') marks.push({ at: opening.start + 1, text: `${mark},` });
    const condition = text === 'for' ? conditionOf(tokens, index + 1) : undefined;
    if (!condition) continue;
    const isEmpty = condition.text === ';';
    marks.push({ at: condition.start, text: isEmpty ? `${mark},true` : `${mark},` });
  }
  if (marks.length === 0) return undefined;
  return marks
    .sort((a, b) => b.at - a.at)
    .reduce((marked, { at, text }) => marked.slice(0, at) + text + marked.slice(at), script);
}
