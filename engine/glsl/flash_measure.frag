#version 330 core
// A picture as a small grid, which flashes are counted in (engine/cells.py): the means of red, green and blue, of their
// squares and of their cubes; and each time how far red's is above the two others', where the red light is. No thin
// thing is missed: up to 64 pixels a cell each is looked at, by samples that lie between four of them.

uniform sampler2D picture;  // sRGB, bilinear
uniform vec2 cells;         // columns and rows of the grid

layout(location = 0) out vec4 values;
layout(location = 1) out vec4 squares;
layout(location = 2) out vec4 cubes;

const float MOST = 32.0;    // samples each way
const vec3 CURVE = vec3(0.018144, 0.667441, 0.314415);  // to linear light, as in engine/cells.py

void main() {
    vec2 count = clamp(ceil(vec2(textureSize(picture, 0)) / cells / 2.0), vec2(1.0), vec2(MOST));
    vec2 corner = floor(gl_FragCoord.xy);
    vec4 first = vec4(0.0), second = vec4(0.0), third = vec4(0.0);
    for (float y = 0.5; y < count.y; y += 1.0) {
        for (float x = 0.5; x < count.x; x += 1.0) {
            vec3 c = texture(picture, (corner + vec2(x, y) / count) / cells).rgb;
            vec3 c2 = c * c, c3 = c2 * c;
            vec3 above = vec3(c.r - c.g - c.b, c2.r - c2.g - c2.b, c3.r - c3.g - c3.b);
            above *= step(0.0, dot(CURVE, above));
            first += vec4(c, above.x);
            second += vec4(c2, above.y);
            third += vec4(c3, above.z);
        }
    }
    float samples = count.x * count.y;
    values = first / samples;
    squares = second / samples;
    cubes = third / samples;
}
