#version 330 core
// The dancer: a small soft field of coverage, sampled with a cubic B-spline and cut into a silhouette.
// The spline passes 8-bit steps on as smooth contours, where Catmull-Rom draws each of them as a bump.
// Where the field is steep, the cut is one pixel wide at any size: a clean edge without steps. Where it is flat near
// the cut (a limb the decoder is unsure of), it is wide: such ghosts fade in and out and do not flicker.

uniform sampler2D field;   // values 0..1, top row first, framed by one texel of what lies beyond the image
uniform vec2 origin;       // top left corner of the field, pixels from the picture's top left
uniform float scale;       // pixels to one texel of the field
uniform float height;      // of the picture, pixels
uniform bool silhouette;   // false: shown as it is
uniform bool dark;         // a dark dancer on a light ground

layout(location = 0) out vec4 colour;

const float LEVEL = 0.46;       // of coverage; a little under half gives back what the spline takes off thin limbs
const float GHOST = 0.1;        // half the width of the cut, in coverage, where the field is flat
const float WIDEST = 0.4;       // half the width of the cut at most: under LEVEL - WIDEST lies nothing but ground
const float FLAT = 0.05;        // slopes a texel; a well decoded edge has 0.3 to 0.6
const float STEEP = 0.25;
const float EDGE = 0.8;         // half the width of the cut across a steep edge, pixels

// The spline's four samples each way, as two of the sampler's own: the sums of its weights, and places between texels.
float spline(vec2 place) {
    vec2 size = vec2(textureSize(field, 0));
    vec2 texel = floor(place - 0.5);
    vec2 t = place - 0.5 - texel;
    vec2 u = 1.0 - t;
    vec2 second = (4.0 - 3.0 * t * t * (2.0 - t)) / 6.0;
    vec2 fourth = t * t * t / 6.0;
    vec2 near = u * u * u / 6.0 + second;
    vec2 far = 1.0 - near;
    vec2 a = (texel - 0.5 + second / near) / size;
    vec2 b = (texel + 1.5 + fourth / far) / size;
    float above = near.x * texture(field, a).r + far.x * texture(field, vec2(b.x, a.y)).r;
    float below = near.x * texture(field, vec2(a.x, b.y)).r + far.x * texture(field, b).r;
    return near.y * above + far.y * below;
}

void main() {
    vec2 pixel = vec2(gl_FragCoord.x, height - gl_FragCoord.y);  // GL counts rows upwards
    float value = spline((pixel - origin) / scale);
    float slope = length(vec2(dFdx(value), dFdy(value)));        // a pixel
    if (silhouette) {
        float width = max(GHOST * (1.0 - smoothstep(FLAT, STEEP, slope * scale)), EDGE * slope);
        width = min(width, WIDEST);
        value = smoothstep(LEVEL - width, LEVEL + width, value);
    }
    colour = vec4(vec3(dark ? 1.0 - value : value), 1.0);
}
