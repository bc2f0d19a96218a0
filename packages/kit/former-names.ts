/** Variables that were renamed: the former name of each, which holds for one more release, and the name that it has now. */
export const formerVariables: Readonly<Record<string, string>> = {
  LETTERS_PASSWORD: 'DLQ_OPERATOR_PASSWORD',
};

/** Metrics that were renamed: the former name of each, which holds for one more release, and the name that it has now. */
export const formerMetrics: Readonly<Record<string, string>> = {
  walpost_slot_kept_bytes: 'walpost_slot_retained_wal_bytes',
  walpost_slot_behind_bytes: 'walpost_slot_lag_bytes',
  walpost_consumer_version_oddities_total: 'walpost_consumer_sequence_anomalies_total',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** An environment in which a variable that is set under its former name alone is set under its new one too. */
export function withFormerVariables<T extends Environment>(environment: T): T {
  const renamed = Object.entries(formerVariables).filter(
    ([former, name]) => environment[former] && !environment[name],
  );
  return {
    ...environment,
    ...Object.fromEntries(renamed.map(([former, name]) => [name, environment[former]])),
  };
}

/** A page in Prometheus's text format on which each renamed metric is shown a second time, under its former name. */
export function withFormerMetrics(page: string): string {
  const metrics = page.trimEnd().split('\n\n');
  const former = Object.entries(formerMetrics).flatMap(([old, name]) => {
    const found = metrics.find((metric) => metric.startsWith(`# HELP ${name} `));
    if (found === undefined) return [];
    const [, ...lines] = found.split('\n');
    const renamed = lines.map((line) => line.replace(name, old));
    return [`# HELP ${old} The former name of ${name}, for one more release.\n${renamed.join('\n')}`];
  });
  return `${[...metrics, ...former].join('\n\n')}\n`;
}
