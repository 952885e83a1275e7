/**
 * What the benches look at that no door of src shows: one place, so that it is seen. It is loaded from beside the built
 * bench, and typed here by what is used of it.
 */
interface Inside {
  readonly RouteTable: new () => {
    addRoute(route: unknown): void;
    match(path: string): unknown;
  };
  readonly framed: (frame: unknown, counts: { framings: number; deflates: number }) => Uint8Array;
}

export async function inside(): Promise<Inside> {
  const load = (path: string): Promise<unknown> => import(new URL(path, import.meta.url).href);
  const { RouteTable } = (await load('../../src/router/table.js')) as Pick<Inside, 'RouteTable'>;
  const { framed } = (await load('../../src/transport/encode.js')) as Pick<Inside, 'framed'>;
  return { RouteTable, framed };
}
