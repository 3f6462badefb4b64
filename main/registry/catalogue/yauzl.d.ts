declare module 'yauzl' {
  export interface Entry {
    /** Bytes of the name as they stand in the archive, since `decodeStrings` is off. */
    readonly fileNameRaw: Buffer;
    readonly generalPurposeBitFlag: number;
    readonly extraFields: readonly { readonly id: number; readonly data: Buffer }[];
    readonly externalFileAttributes: number;
    readonly versionMadeBy: number;
    readonly compressionMethod: number;
    readonly crc32: number;
    readonly compressedSize: number;
    readonly uncompressedSize: number;
    canDecodeFileData(): boolean;
  }

  export interface ZipFile {
    readonly entryCount: number;
    eachEntry(): AsyncIterableIterator<Entry>;
    /** Where the bytes of an entry begin in the file. */
    readLocalFileHeaderPromise(
      entry: Entry,
      options: { readonly minimal: true },
    ): Promise<{ readonly fileDataStart: number }>;
    close(): void;
  }

  export interface OpenOptions {
    readonly autoClose?: boolean;
    readonly decodeStrings?: boolean;
  }

  const yauzl: {
    /** Takes the descriptor over: `close` closes it. */
    fromFdPromise(descriptor: number, options: OpenOptions): Promise<ZipFile>;
    getFileNameLowLevel(
      generalPurposeBitFlag: number,
      fileName: Buffer,
      extraFields: Entry['extraFields'],
      strict: boolean,
    ): string;
    /** Why a name is unsafe; null if it is not. */
    validateFileName(name: string): string | null;
  };
  export default yauzl;
}
