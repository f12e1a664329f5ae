/** Tabs as links, so that the tab is part of the address. */
import { Link, useSearchParams } from 'react-router';

interface TabsProps {
  label: string;
  name: string;
  current: string;
  items: { key: string; label: string }[];
}

/** Shows a row of tabs that set the search parameter `name`; the first is the default. */
export function Tabs({ label, name, current, items }: TabsProps) {
  const [params] = useSearchParams();
  const address = (key: string): string => {
    const next = new URLSearchParams(params);
    if (key === items[0]?.key) next.delete(name);
    else next.set(name, key);
    return `?${next}`;
  };
  return (
    <nav className="tabs" aria-label={label}>
      {items.map((item) => (
        <Link key={item.key} to={address(item.key)} replace preventScrollReset aria-current={item.key === current ? 'page' : undefined}>
          {item.label}
        </Link>
      ))}
    </nav>
  );
}
