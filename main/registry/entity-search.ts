/** What a search in applications or gateways asks for; all that is given has to match. */
export interface EntityFilter {
  /** Part of an id, name or EUI, or words of the description. */
  readonly query?: string;
  readonly idContains?: string;
  readonly nameContains?: string;
  readonly descriptionContains?: string;
  readonly euiContains?: string;
  /** Key as given, part of the value. */
  readonly attributesContain?: Readonly<Record<string, string>>;
}

/** What a search looks at. */
export interface SearchedEntity {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Hexadecimal. */
  readonly eui?: string;
}

const contains = (text: string, part: string | undefined): boolean =>
  !part || text.toLowerCase().includes(part.toLowerCase());

/** Whether every word occurs, wherever. */
const hasWords = (text: string, words: string | undefined): boolean =>
  (words ?? '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => contains(text, word));

function matchesQuery(entity: SearchedEntity, query: string | undefined): boolean {
  if (!query) return true;
  const { id, name, description, eui = '' } = entity;
  return (
    [id, name, eui].some((text) => contains(text, query)) ||
    (description !== '' && hasWords(description, query))
  );
}

/** Whether an entity is what a search asks for. Letters match in either case. */
export function matchesFilter(entity: SearchedEntity, filter: EntityFilter): boolean {
  return (
    matchesQuery(entity, filter.query) &&
    contains(entity.id, filter.idContains) &&
    contains(entity.name, filter.nameContains) &&
    hasWords(entity.description, filter.descriptionContains) &&
    contains(entity.eui ?? '', filter.euiContains) &&
    Object.entries(filter.attributesContain ?? {}).every(([key, part]) => {
      const value = entity.attributes[key];
      return value !== undefined && contains(value, part);
    })
  );
}

/** Paths that an answer holds because the search named their fields. */
export function filterPaths(filter: EntityFilter): string[] {
  return [
    ...(filter.nameContains ? ['name'] : []),
    ...(filter.descriptionContains ? ['description'] : []),
    ...(Object.keys(filter.attributesContain ?? {}).length > 0 ? ['attributes'] : []),
  ];
}
