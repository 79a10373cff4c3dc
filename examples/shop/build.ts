/** Builds the components of the shop: `node examples/shop/build.ts [NAME…]`. Those in Rust and C are in git as built. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainC, quickjs, rust } from '../../guests/recipes.ts';

const FOLDER = import.meta.dirname;
const WIT = join(FOLDER, 'wit');

const COMPONENTS: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  front: () => quickjs('../examples/shop/front', { 'shop:api': join(WIT, 'api.wit') }),
  prices: () => rust('shop-prices', 'wasm32-unknown-unknown'),
  orders: () => rust('shop-orders', 'wasm32-unknown-unknown'),
  images: () => rust('shop-images', 'wasm32-unknown-unknown'),
  jobs: () => plainC(join(FOLDER, 'jobs', 'jobs.c'), join(FOLDER, 'jobs', 'job.wit')),
};

/** Builds one of them. @returns the path of its file, which `tenon.yaml` names */
export async function build(name: string): Promise<string> {
  const file = join(FOLDER, name, `${name}.wasm`);
  const component = COMPONENTS[name];
  if (component === undefined) throw new Error(`no component is called ${name}; there are ${Object.keys(COMPONENTS).join(', ')}`);
  writeFileSync(file, await component());
  return file;
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of names.length === 0 ? Object.keys(COMPONENTS) : names) console.log(await build(name));
}
