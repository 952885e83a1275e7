import DefaultTheme from 'vitepress/theme';
import './contrast.css';

// oxlint-disable-next-line import/no-default-export -- the theme is what its file exports by default
export default DefaultTheme;
