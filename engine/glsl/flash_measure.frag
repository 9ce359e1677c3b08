#version 330 core
// A picture as a small grid of linear light, which flashes are counted in (engine/limiter.py): the means of red, green
// and blue, and of how far red is above the two others. No thin thing is missed: up to 64 pixels a cell each is looked
// at, by samples that lie between four of them.

uniform sampler2D picture;  // sRGB, bilinear
uniform vec2 cells;         // columns and rows of the grid
uniform float light;        // factor of the picture's values

layout(location = 0) out vec4 cell;

const float MOST = 32.0;    // samples each way

vec3 linear_light(vec3 c) {
    return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c));
}

void main() {
    vec2 count = clamp(ceil(vec2(textureSize(picture, 0)) / cells / 2.0), vec2(1.0), vec2(MOST));
    vec2 corner = floor(gl_FragCoord.xy);
    vec4 sum = vec4(0.0);
    for (float y = 0.5; y < count.y; y += 1.0) {
        for (float x = 0.5; x < count.x; x += 1.0) {
            vec3 c = linear_light(texture(picture, (corner + vec2(x, y) / count) / cells).rgb * light);
            sum += vec4(c, max(c.r - c.g - c.b, 0.0));
        }
    }
    cell = sum / (count.x * count.y);
}
