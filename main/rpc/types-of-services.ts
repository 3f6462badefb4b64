import { createRegistry, type DescFile, type DescService, type Registry } from '@bufbuild/protobuf';

function addWithImports(file: DescFile, files: Set<DescFile>): void {
  if (files.has(file)) return;
  files.add(file);
  for (const imported of file.dependencies) addWithImports(imported, files);
}

/** The types of the files that declare the services, and of all files those import. */
export function typesOf(services: readonly DescService[]): Registry {
  const files = new Set<DescFile>();
  for (const service of services) addWithImports(service.file, files);
  return createRegistry(...files);
}
