/** This middleware turns away requests whose Host is not ours. */

/**
 * Whether a request's Host is ours: an allow-list against DNS rebinding, by which a page under a name of its own reaches a
 * server of the user's network. A text names a host, with any port unless it has one itself; a RegExp is tested
 * on the name and on the whole. Without a Host nothing is.
 */
export function isHostOurs(host: string | undefined, hosts: readonly (string | RegExp)[]): boolean {
  if (host === undefined) return false;
  const whole = host.toLowerCase();
  const name = whole.replace(/:\d+$/, '');
  return hosts.some((allowed) => {
    if (typeof allowed !== 'string') return matches(allowed, name) || matches(allowed, whole);
    const wanted = allowed.toLowerCase();
    return wanted === whole || wanted === name;
  });
}

/** From its start each time, whatever its flags. */
function matches(allowed: RegExp, text: string): boolean {
  allowed.lastIndex = 0;
  return allowed.test(text);
}
