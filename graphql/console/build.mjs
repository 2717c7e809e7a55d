// Writes graphql/bangfu_graphql/console/: the page, its script, its style, and the licences of what is in them.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'bangfu_graphql', 'console');
// Addresses that are names and are never opened: XML namespaces, and what libraries say in messages and descriptions.
const INERT = new Set(['www.w3.org', 'reactjs.org', 'commonmark.org', 'en.wikipedia.org', 'yarnpkg.com']);

/** Takes out of GraphiQL what an intranet does not have: its web fonts (340 kB) and its links to other hosts. */
const offline = {
  name: 'offline',
  setup({ onLoad }) {
    onLoad({ filter: /graphiql[/\\]dist[/\\]style\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    }));
    onLoad({ filter: /graphiql[/\\]dist[/\\]index\.mjs$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8')
        .replace(/(["'])https:\/\/[^"']*\1/g, 'void 0')
        .replace(/(a CDN source) \([^)]*\)/, '$1'),
      loader: 'js',
    }));
  },
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { console: 'console.jsx' },
  outdir: out,
  bundle: true,
  minify: true,
  metafile: true,
  sourcemap: false,
  format: 'iife',
  jsx: 'automatic',
  charset: 'utf8',
  target: ['chrome92', 'firefox90', 'safari15.4'],
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // LICENSES.txt has them all
  plugins: [offline],
});
writeFileSync(join(out, 'index.html'), readFileSync(join(here, 'index.html')));
const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
writeFileSync(join(out, 'LICENSES.txt'), licences(used.flatMap(([path, { bytesInOutput }]) => (bytesInOutput ? path : []))));

let total = 0;
for (const name of readdirSync(out)) {
  const bytes = readFileSync(join(out, name));
  total += bytes.length;
  console.log(`${String(bytes.length).padStart(9)}  ${name}`);
  if (name === 'LICENSES.txt') continue;
  for (const [address, host] of bytes.toString('utf8').matchAll(/https?:\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)+)[^\s"'`)]*/gi))
    if (!INERT.has(host)) throw new Error(`${name} names another host: ${address}`);
}
console.log(`${String(total).padStart(9)}  together`);

/** Name, version and licence of every package in the bundle, then each licence text once with all who hold it. */
function licences(inputs) {
  const roots = new Set(inputs.map(path => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
  const packages = [...roots]
    .map(root => ({ root: join(here, root), ...JSON.parse(readFileSync(join(here, root, 'package.json'), 'utf8')) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const texts = new Map();
  for (const { root, name } of packages) {
    const file = readdirSync(root).find(entry => /^licen[cs]e/i.test(entry));
    if (!file) continue;
    const text = readFileSync(join(root, file), 'utf8').trim().replace(/\r\n/g, '\n');
    const lines = text.match(/^ *Copyright .*$/gm) ?? [];
    const [holder] = lines.length === 1 ? lines : ['as below'];
    const words = text.replace(holder, '').replace(/\n{3,}/g, '\n\n').trim();
    const key = words.replace(/^.*?(?=Permission is hereby granted)/s, '').replace(/[^a-z]+/gi, ' ').toLowerCase();
    if (!texts.has(key)) texts.set(key, { words, holders: [] });
    texts.get(key).holders.push(`${name}: ${holder.trim()}`);
  }
  const width = Math.max(...packages.map(({ name }) => name.length));
  const table = packages.map(p => `${p.name.padEnd(width)}  ${p.version.padEnd(14)}  ${p.license}`);
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  return [
    'The console is built from these npm packages. Name, version and licence are those of each package.json.\n\n' +
      table.join('\n'),
    ...[...texts.values()].map(({ words, holders }) => `${holders.join('\n')}\n\n${words}`),
  ].join(rule) + '\n';
}
