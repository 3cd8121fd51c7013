import Button from '@cloudscape-design/components/button';

import { Empty } from '../components/states';
import { Layout } from '../shell/layout';
import { navigate } from '../shell/router';

export default function NotFound() {
  return (
    <Layout title="No such page">
      <Empty title="There is no such page" action={<Button onClick={() => navigate('/events')}>Event history</Button>}>
        The address may be old or cut off.
      </Empty>
    </Layout>
  );
}
