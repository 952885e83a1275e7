/** The configurations of examples/deploy, as they stand but for ports, paths and what this machine has too little of. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../package/run.ts';

export interface Ports {
  readonly front: number;
  readonly backs: readonly number[];
}

/** Writes the configuration into the folder. @returns how nginx is started in the foreground with it */
export function nginxArguments(folder: string, ports: Ports): readonly string[] {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temp = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const foreground = `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;`;
  const text = withPorts('nginx.conf', ports)
    .replace('worker_processes auto;', foreground)
    .replace('http {', `http { ${temp}`)
    .replace('/var/log/nginx/access.log', `${folder}/access.log`);
  writeFileSync(join(folder, 'nginx.conf'), text);
  return ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')];
}

/** The same of HAProxy. */
export function haproxyArguments(folder: string, ports: Ports): readonly string[] {
  const text = withPorts('haproxy.cfg', ports).replace('maxconn 32768', 'maxconn 1000');
  writeFileSync(join(folder, 'haproxy.cfg'), text);
  return ['-db', '-f', join(folder, 'haproxy.cfg')];
}

function withPorts(name: string, { front, backs }: Ports): string {
  return readFileSync(join(root, 'examples/deploy', name), 'utf8')
    .replaceAll('8080', String(front))
    .replaceAll('8081', String(backs[0]))
    .replaceAll('8082', String(backs[1]));
}
