import { Anchor, Badge, Group, Stack, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import type {
  EndDeviceBrand,
  EndDeviceModel,
} from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { useApi } from '../../client/api-context.ts';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useLoad } from '../../state/use-load.ts';
import { versionRows } from './catalogue-words.ts';
import { ModelPicture } from './model-picture.tsx';

const FIELDS = [
  'name',
  'description',
  'hardware_versions',
  'firmware_versions',
  'sensors',
  'dimensions',
  'weight',
  'battery',
  'operating_conditions',
  'ip_code',
  'photos',
  'product_url',
  'datasheet_url',
  'additional_radios',
];

function Away({ href, children }: { readonly href: string; readonly children: string }) {
  return (
    <Anchor href={href} target="_blank" rel="noreferrer" size="sm">
      {children}
    </Anchor>
  );
}

function range(
  limits: { readonly min?: number | undefined; readonly max?: number | undefined } | undefined,
  unit: string,
  factor = 1,
): string {
  if (limits === undefined) return '';
  const text = (value: number | undefined): string =>
    value === undefined ? '…' : String(Math.round(value * factor * 10) / 10);
  return `${text(limits.min)} to ${text(limits.max)} ${unit}`;
}

/** What is known of a model, without what is not. */
function factsOf(model: EndDeviceModel, brand: EndDeviceBrand): Fact[] {
  const { dimensions, battery, operatingConditions } = model;
  const sizes = [dimensions?.width, dimensions?.height, dimensions?.length, dimensions?.diameter];
  const texts: readonly (readonly [string, string])[] = [
    ['Sensors', model.sensors.join(', ')],
    ['Further radios', model.additionalRadios.join(', ')],
    ['Size', sizes.filter((size) => size !== undefined).join(' × ') + (dimensions ? ' mm' : '')],
    ['Weight', model.weight === undefined ? '' : `${model.weight} g`],
    [
      'Battery',
      battery === undefined ? '' : `${battery.type}${battery.replaceable ? ', replaceable' : ''}`,
    ],
    ['Temperature', range(operatingConditions?.temperature, '°C')],
    ['Humidity', range(operatingConditions?.relativeHumidity, '%', 100)],
    ['Protection', model.ipCode],
  ];
  const links = [
    ['Product page', model.productUrl],
    ['Data sheet', model.datasheetUrl],
    ['Maker', brand.website],
  ].filter(([, href]) => href !== '');
  return [
    { label: 'Brand', value: brand.name || model.brandId },
    ...texts.filter(([, value]) => value.trim() !== '').map(([label, value]) => ({ label, value })),
    ...(links.length === 0
      ? []
      : [
          {
            label: 'On the web',
            value: (
              <Group gap="sm">
                {links.map(([label = '', href = '']) => (
                  <Away key={label} href={href}>
                    {label}
                  </Away>
                ))}
              </Group>
            ),
          },
        ]),
  ];
}

function Versions({ model }: { readonly model: EndDeviceModel }) {
  return (
    <Panel title="Versions">
      <Table layout="fixed" verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={200}>Firmware</Table.Th>
            <Table.Th w={160}>Hardware</Table.Th>
            <Table.Th>Bands</Table.Th>
            <Table.Th w={220} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {versionRows(model).map((row) => (
            <Table.Tr key={row.firmware} data-testid="model-version">
              <Table.Td>{row.firmware}</Table.Td>
              <Table.Td>{row.hardware || 'any'}</Table.Td>
              <Table.Td>{row.bands.join(', ') || '–'}</Table.Td>
              <Table.Td>
                <Group gap={6} justify="flex-end" wrap="nowrap">
                  {row.certified && (
                    <Badge variant="light" radius="sm">
                      Certified
                    </Badge>
                  )}
                  {row.hasFormatter && (
                    <Badge variant="light" color="teal" radius="sm">
                      Formatter
                    </Badge>
                  )}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

interface ModelPageProps {
  readonly brandId: string;
  readonly modelId: string;
}

/** One device of the catalogue. */
export function ModelPage({ brandId, modelId }: ModelPageProps) {
  const api = useApi();
  const load = useLoad(`${brandId}/${modelId}`, async (signal) => {
    const [model, brand] = await Promise.all([
      api.catalogue.getModel({ brandId, modelId, fieldMask: { paths: FIELDS } }, { signal }),
      api.catalogue.getBrand({ brandId, fieldMask: { paths: ['name', 'website'] } }, { signal }),
    ]);
    return { model, brand };
  });
  const { data, problem } = load;
  return (
    <Page
      title={data?.model.name ?? modelId}
      note={`${brandId}/${modelId}`}
      actions={
        <Anchor component={Link} href="/catalogue" size="sm">
          Back to the catalogue
        </Anchor>
      }
    >
      {problem !== undefined && <ProblemAlert problem={problem} onRetry={load.reload} />}
      {data === undefined && problem === undefined && <SkeletonRows count={8} />}
      {data !== undefined && (
        <Stack gap="md">
          <Panel title="Device">
            <Group align="flex-start" gap="lg" wrap="nowrap">
              <ModelPicture model={data.model} large />
              <Stack gap="sm" style={{ flex: 1, minWidth: 0 }}>
                {data.model.description !== '' && <Text size="sm">{data.model.description}</Text>}
                <Facts facts={factsOf(data.model, data.brand)} />
              </Stack>
            </Group>
          </Panel>
          <Versions model={data.model} />
        </Stack>
      )}
    </Page>
  );
}
